/** The watching part of `padlock plan`: first reading, window, second reading, with a rehearsal of STRICT where it is asked for. */
import { PadlockError } from '../../errors.ts';
import { findPrometheus } from '../../evidence/observed/find-prometheus.ts';
import type { Observation } from '../../evidence/observed/observation.ts';
import { beginObservation, type ObserveOptions } from '../../evidence/observed/observe.ts';
import {
  type PrometheusClient,
  prometheusAt,
  prometheusIn,
} from '../../evidence/observed/prometheus-client.ts';
import { proxyPods } from '../../evidence/proxy/pods.ts';
import { buildMesh, type Mesh, workloads } from '../../mesh/mesh.ts';
import { rehearsalName, rehearsalObjection } from '../../plan/rehearsal/policy.ts';
import { type RehearsalEffects, removeLeftOver, withRehearsal } from '../../plan/rehearsal/rehearse.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { Context } from '../context.ts';
import { isAlive, thisRun } from './run-mark.ts';

export interface TrafficFlags {
  /** In milliseconds. */
  readonly window: number;
  readonly lookBack: number;
  readonly shadow?: boolean;
  readonly prometheus?: string;
}

/** What is watched, and where. */
export interface Watched {
  readonly cluster: Cluster;
  /** Of a snapshot that was just taken. */
  readonly mesh: Mesh;
  readonly namespace: string;
}

/** @throws PadlockError `CLUSTER_CONFLICT` where a rehearsal is not possible; what is broken otherwise */
export async function observeTraffic(
  context: Context,
  watched: Watched,
  flags: TrafficFlags,
): Promise<Observation> {
  const prometheus = prometheusOf(context, watched, flags.prometheus);
  const options: ObserveOptions = {
    namespaces: [watched.namespace],
    lookBack: flags.lookBack,
    watchesPods: true,
    ...(prometheus === undefined ? {} : { prometheus }),
  };
  if (flags.shadow !== true) return watch(context, watched, flags, options);
  const { mesh, namespace, cluster } = watched;
  const objection = rehearsalObjection(mesh, namespace);
  if (objection !== undefined) {
    throw new PadlockError('CLUSTER_CONFLICT', `--shadow is not possible here: ${objection}`, {
      hint: 'plan without --shadow: counters and access logs tell most of it',
    });
  }
  // The policy is taken away on the way out.
  context.finishOnInterrupt();
  const pods = [...proxyPods(mesh, workloads(mesh, [namespace])).values()];
  await context.stderr.write(
    `rehearsing STRICT: AuthorizationPolicy ${namespace}/${rehearsalName}, a dry run; it is removed at the end\n`,
  );
  const { result, undisturbed } = await rehearse(context, () =>
    withRehearsal(namespace, pods, flags.window, effectsOf(context, cluster), (dryRun) =>
      watch(context, watched, flags, { ...options, dryRun }),
    ),
  );
  if (undisturbed) return result;
  const reason = 'somebody removed the policy within the window';
  return { ...result, unseen: [...result.unseen, { source: 'dry run', namespace, reason }] };
}

/** By the time that an error gets here the policy is gone: after Ctrl-C that is all there is to say. */
async function rehearse<Result>({ signal }: Context, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    // What removing it met is more than the interruption.
    if (!signal.aborted || (error instanceof PadlockError && error.code === 'CLUSTER_REQUEST_FAILED'))
      throw error;
    throw new PadlockError('INTERRUPTED', 'interrupted; the dry run is removed', { cause: error });
  }
}

/** @throws PadlockError `USAGE` where it is no URL and no such Service is there */
function prometheusOf(
  { env, signal }: Context,
  { cluster, mesh }: Watched,
  where: string | undefined,
): PrometheusClient | undefined {
  if (where === undefined) return undefined;
  if (/^https?:\/\//.test(where)) {
    if (!URL.canParse(where)) throw new PadlockError('USAGE', '--prometheus: this is no URL');
    return prometheusAt(new URL(where), env.PADLOCK_PROMETHEUS_TOKEN, signal);
  }
  const found = findPrometheus(mesh, where);
  if (!('missing' in found)) return prometheusIn(cluster, found, signal);
  throw new PadlockError('USAGE', `--prometheus ${where}: ${found.missing}`, {
    hint: 'name it as https://HOST/PATH or NAMESPACE/SERVICE:PORT',
  });
}

/** A rehearsal that a run has left behind is removed by the next run, whatever it was asked for. */
export async function tidyUp(context: Context, { cluster, mesh, namespace }: Watched): Promise<void> {
  const present = mesh.snapshot.objects.some(
    ({ object: { kind, metadata } }) =>
      kind === 'AuthorizationPolicy' && metadata.namespace === namespace && metadata.name === rehearsalName,
  );
  if (!present) return;
  try {
    const removed = await removeLeftOver(namespace, effectsOf(context, cluster));
    if (removed !== undefined) await context.stderr.write(`${removed}\n`);
  } catch (error) {
    if (!(error instanceof PadlockError)) throw error;
    // Another run's rehearsal, or no right to remove it: this run can do without.
    await context.stderr.write(`note: ${error.message}\n`);
  }
}

function effectsOf({ clock, signal }: Context, cluster: Cluster): RehearsalEffects {
  return {
    cluster,
    now: () => clock.now(),
    sleep: (milliseconds) => clock.sleep(milliseconds, signal),
    run: thisRun(),
    alive: isAlive,
    signal,
  };
}

async function watch(
  context: Context,
  { cluster, mesh, namespace }: Watched,
  { window }: TrafficFlags,
  options: ObserveOptions,
): Promise<Observation> {
  const { clock, signal } = context;
  const now = (): number => clock.now();
  const open = await beginObservation(mesh, options, { cluster, now, signal });
  try {
    await countDown(context, window);
    const later = await readClusterSnapshot(cluster, { namespaces: [namespace], signal, now });
    return await open.finish(buildMesh(later));
  } finally {
    await open.close();
  }
}

const eraseLine = '\r\u001b[K';

/** Says on a terminal how much of the window is left. */
async function countDown({ clock, signal, stderr }: Context, window: number): Promise<void> {
  const end = clock.now() + window;
  for (let left = window; left > 0; left = end - clock.now()) {
    if (stderr.isTTY) await stderr.write(`${eraseLine}watching traffic, ${Math.ceil(left / 1000)} s left`);
    await clock.sleep(Math.min(left, 1000), signal);
  }
  if (stderr.isTTY) await stderr.write(eraseLine);
}
