/** The dashboard: a source that is watched, a page, and a server on loopback that brings them together. */
import { randomBytes } from 'node:crypto';
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
  const refusals =
    source.cluster === undefined
      ? undefined
      : new Refusals(source.cluster, new Date(clock.now()).toISOString());
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
    ...(refusals === undefined ? {} : { refusals }),
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
  const following =
    refusals === undefined
      ? undefined
      : followRefusals(refusals, { source, events, clock, signal: ending.signal }).catch(onError);
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
  refusals: Refusals,
  { source, events, clock, signal }: Following,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (events.listeners > 0) {
        const { look, namespaces } = source;
        const found = await refusals.look(look.mesh, namespaces, () => clock.now(), signal);
        for (const event of found) events.tell(event);
      }
      await clock.sleep(refusals.restMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

interface Following {
  readonly source: Source;
  readonly events: EventStream;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}
