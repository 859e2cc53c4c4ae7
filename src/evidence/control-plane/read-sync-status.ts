/**
 * Asks every istiod which proxies it holds and what they acknowledged: by port-forward to its monitoring port, whose debug
 * pages are open to callers on the pod's own loopback, else by `pilot-discovery request` inside it. Only reads.
 */
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Cluster, ResourceType } from '../../sources/cluster.ts';
import { asText, dig } from '../../sources/json-value.ts';
import { httpOverStream } from '../http-over-stream.ts';
import { type ProxySync, parseSyncStatus } from './sync-status.ts';

export type SyncAnswer =
  | { readonly read: true; readonly proxies: ReadonlyMap<string, ProxySync>; readonly complete: boolean }
  | { readonly read: false; readonly why: string; readonly notAllowed: boolean };

export interface SyncEffects {
  readonly cluster: Cluster;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', namespaced: true };
const monitoringPort = 15014;
const path = '/debug/syncz';
const timeoutMs = 10_000;
/** A proxy that has been sent something this moment has not acknowledged it yet. */
const secondLookMs = 2_000;

/**
 * A proxy counts as stale only where a second look finds the same version unacknowledged.
 * @throws only the signal's reason
 */
export async function readSyncStatus(rootNamespace: string, effects: SyncEffects): Promise<SyncAnswer> {
  const first = await ask(rootNamespace, effects);
  if (!first.read || [...first.proxies.values()].every((proxy) => proxy.stale.length === 0)) return first;
  await effects.sleep(secondLookMs);
  const second = await ask(rootNamespace, effects);
  if (!second.read) return second;
  const settled = [...second.proxies].map(([pod, proxy]): [string, ProxySync] => {
    const before = first.proxies.get(pod);
    return [pod, before?.sent === proxy.sent ? proxy : { ...proxy, stale: [] }];
  });
  return { ...second, proxies: new Map(settled) };
}

async function ask(namespace: string, effects: SyncEffects): Promise<SyncAnswer> {
  const { cluster, signal } = effects;
  try {
    const listed = await cluster.list(pods, {
      namespace,
      labelSelector: 'app=istiod',
      ...(signal === undefined ? {} : { signal }),
    });
    const running = listed.items.filter((pod) => asText(dig(pod.status, 'phase')) === 'Running');
    if (running.length === 0)
      return { read: false, why: `no istiod runs in ${namespace}`, notAllowed: false };
    const answers = await Promise.all(running.map((pod) => askOne(cluster, namespace, pod, signal)));
    const texts = answers.flatMap((answer) => ('text' in answer ? [answer.text] : []));
    const [failure] = answers.flatMap((answer) => ('text' in answer ? [] : [answer]));
    if (texts.length === 0 && failure !== undefined) return { read: false, ...failure };
    const all = texts.flatMap((text) => parseSyncStatus(text));
    const proxies = new Map(all.map((proxy) => [proxy.pod, proxy]));
    return { read: true, proxies, complete: failure === undefined };
  } catch (error) {
    signal?.throwIfAborted();
    return { read: false, ...reasonOf(error) };
  }
}

async function askOne(
  cluster: Cluster,
  namespace: string,
  pod: KubeObject,
  signal: AbortSignal | undefined,
): Promise<{ readonly text: string } | { readonly why: string; readonly notAllowed: boolean }> {
  const { name } = pod.metadata;
  const deadline = AbortSignal.timeout(timeoutMs);
  const within = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    const stream = await cluster.portForward(namespace, name, monitoringPort, within);
    const [text = ''] = await httpOverStream(stream, {
      port: monitoringPort,
      paths: [path],
      signal: within,
    });
    return { text };
  } catch (error) {
    signal?.throwIfAborted();
    const byForward = reasonOf(error);
    try {
      const command = ['pilot-discovery', 'request', 'GET', path];
      const result = await cluster.exec(namespace, name, command, { container: 'discovery', signal: within });
      if (result.exitCode === 0) return { text: result.stdout };
      const why = `pilot-discovery ended with ${result.exitCode}: ${result.stderr.trim().split('\n')[0]}`;
      return { why: `${byForward.why}; ${why}`, notAllowed: false };
    } catch (second) {
      signal?.throwIfAborted();
      const byExec = reasonOf(second);
      return {
        why: `${byForward.why}; ${byExec.why}`,
        notAllowed: byForward.notAllowed && byExec.notAllowed,
      };
    }
  }
}

function reasonOf(error: unknown): { readonly why: string; readonly notAllowed: boolean } {
  const why = error instanceof Error ? error.message : String(error);
  return { why, notAllowed: error instanceof PadlockError && error.code === 'CLUSTER_FORBIDDEN' };
}
