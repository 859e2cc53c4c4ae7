/** The dashboard: a source that is watched, a page, and a server on loopback that brings them together. */
import { randomBytes } from 'node:crypto';
import { PadlockError } from '../errors.ts';
import { Access } from './access.ts';
import type { Assets } from './assets.ts';
import type { Clock } from './cluster-source.ts';
import { EventStream } from './event-stream.ts';
import { dashboardHandler } from './handler.ts';
import { type Handler, serveOnLoopback } from './node-server.ts';
import { Observing } from './observing.ts';
import { Refusals } from './refusals.ts';
import { RolloutActions } from './rollout-actions.ts';
import type { Source } from './source.ts';

export interface DashboardOptions {
  readonly source: Source;
  readonly assets: Assets;
  /** 0: any free one. */
  readonly port: number;
  readonly allowChanges: boolean;
  readonly version: string;
  readonly clock: Clock;
  nonce(): string;
  /** Absent: a random one. */
  readonly token?: string;
  /** A request failed because of a bug, or the watching did. */
  readonly onError: (error: unknown) => void;
}

export interface Dashboard {
  readonly port: number;
  /** Opens the page in any browser, as long as the dashboard runs. */
  readonly url: string;
  /** Opens the page once: for a command line, which other users of the machine can read. */
  readonly urlOnce: string;
  readonly handler: Handler;
  close(): Promise<void>;
}

const refusalsEveryMs = 3_000;

/** @throws PadlockError `PORT_IN_USE` */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { source, clock, assets, allowChanges, version, onError } = options;
  const token = options.token ?? randomBytes(24).toString('base64url');
  const once = randomBytes(24).toString('base64url');
  const boot = randomBytes(6).toString('hex');
  const events = new EventStream(boot, (milliseconds, task) => {
    const timer = setInterval(task, milliseconds);
    return () => clearInterval(timer);
  });
  const nonce = (): string => options.nonce();
  const rollouts =
    source.cluster === undefined
      ? undefined
      : new RolloutActions({
          cluster: source.cluster,
          clock,
          nonce,
          tell: (namespace, says) =>
            events.tell({ kind: 'rollout', at: new Date(clock.now()).toISOString(), namespace, says }),
        });
  let handler: Handler | undefined;
  const server = await serveOnLoopback({
    port: options.port,
    handler: (request) => (handler === undefined ? Promise.reject(new Error('not ready')) : handler(request)),
    onError,
  });
  handler = dashboardHandler({
    access: new Access({ token, once, name: String(server.port) }),
    assets,
    source,
    events,
    ...(rollouts === undefined ? {} : { rollouts }),
    ...(source.cluster === undefined
      ? {}
      : { observing: new Observing(source, source.cluster, () => clock.now()) }),
    allowChanges,
    version,
    boot,
    clock,
    nonce,
  });
  const ending = new AbortController();
  source.start((event) => events.tell(event));
  const following = followRefusals(source, events, clock, ending.signal).catch(onError);
  const address = `http://127.0.0.1:${server.port}/?token=`;
  return {
    port: server.port,
    url: `${address}${token}`,
    urlOnce: `${address}${once}`,
    handler,
    async close() {
      ending.abort(new Error('the dashboard ends'));
      events.close();
      await server.close();
      await rollouts?.close();
      await source.close();
      await following;
    },
  };
}

/** Looks into the sidecars' access logs while somebody is there to hear of refusals. */
async function followRefusals(
  source: Source,
  events: EventStream,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, namespaces } = source;
  if (cluster === undefined) return;
  const refusals = new Refusals(cluster, new Date(clock.now()).toISOString());
  const say = (says: string): void =>
    events.tell({ kind: 'connection', at: new Date(clock.now()).toISOString(), state: 'live', says });
  let saidHowMany = false;
  while (!signal.aborted) {
    try {
      if (events.listeners > 0) {
        const {
          events: found,
          followed,
          of,
        } = await refusals.look(source.look.mesh, namespaces, () => clock.now(), signal);
        for (const event of found) events.tell(event);
        if (followed < of && !saidHowMany) {
          saidHowMany = true;
          say(
            `refused connections are read from the access logs of ${followed} of ${of} proxies; -n narrows it`,
          );
        }
      }
      await clock.sleep(refusalsEveryMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PadlockError)) throw error;
      if (error.code === 'CLUSTER_FORBIDDEN') {
        say(`refused connections cannot be told: ${error.message}`);
        return;
      }
      // The cluster is away: the source says so.
      await clock.sleep(refusalsEveryMs, signal).catch(() => undefined);
    }
  }
}
