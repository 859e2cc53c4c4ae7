/**
 * The negative probe of one pod's port, by whatever way the rights allow: the API server's pod proxy, else curl in another
 * pod's `istio-proxy` container, whose traffic no sidecar captures (design fact 9), else a probe pod without a sidecar.
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import {
  type Container,
  type Curl,
  NoCurl,
  readForeignTlsCurl,
  readPlaintextCurl,
  shownCertificates,
  singleCurl,
} from './curl.ts';
import type { ForeignTlsOutcome, PlaintextOutcome } from './outcome.ts';
import { type PodPort, probeByPodProxy, probePath } from './pod-proxy.ts';
import { rawCurl } from './raw-answer.ts';

export interface PlaintextTarget extends PodPort {
  readonly address: string | undefined;
  /** The policy says that plaintext is refused here: an answer may then come over an older connection and is looked at twice. */
  readonly refusalExpected: boolean;
  /** Milliseconds since the epoch from when no connection from before the policy can live any more; absent: not known. */
  readonly settledAt?: number;
}

export interface PlaintextEffects {
  readonly cluster: Cluster;
  readonly curl?: Curl;
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly nonce: () => string;
  readonly signal?: AbortSignal | undefined;
}

/** The run's own way to curl, or one run for each request. */
function curlFor(effects: PlaintextEffects): Curl {
  return effects.curl ?? singleCurl(effects.cluster);
}

export interface PlaintextResult {
  readonly outcome: PlaintextOutcome;
  readonly caller: string;
}

/** How long Envoy serves connections from before a change (drain_time 45 s), and some more. */
export const drainMs = 60_000;
const drainPauseMs = 3_000;

/**
 * @param callers containers to call from where the pod proxy cannot be used, best first
 */
export async function probePlaintext(
  target: PlaintextTarget,
  callers: readonly Container[],
  effects: PlaintextEffects,
): Promise<PlaintextResult> {
  const byProxy = await throughPodProxy(target, effects);
  if (isConclusive(byProxy)) return { outcome: byProxy, caller: 'pod proxy of the API server' };
  for (const from of callers) {
    if (from.pod === target.pod && from.namespace === target.namespace) continue;
    const outcome = await fromContainer(from, target, effects);
    if (outcome !== undefined && isConclusive(outcome)) {
      return { outcome, caller: `curl in ${from.namespace}/${from.pod} (${from.container})` };
    }
  }
  return { outcome: byProxy, caller: 'pod proxy of the API server' };
}

/** Something was learnt about the port; a probe that could not be made, or a way that is barred, taught nothing. */
function isConclusive(outcome: PlaintextOutcome): boolean {
  return !['not-allowed', 'not-run', 'dropped', 'timeout', 'unreachable'].includes(outcome.kind);
}

async function throughPodProxy(
  target: PlaintextTarget,
  effects: PlaintextEffects,
): Promise<PlaintextOutcome> {
  const once = async (fresh: boolean): Promise<PlaintextOutcome> => {
    const userAgent = `padlock-probe/${effects.nonce()}`;
    const { cluster, signal } = effects;
    try {
      return await probeByPodProxy(cluster, target, { userAgent, fresh, signal });
    } catch (error) {
      signal?.throwIfAborted();
      // One probe that fails is one cell of the answer, not the end of it.
      if (error instanceof PadlockError) return { kind: 'not-run', detail: error.message };
      throw error;
    }
  };
  const first = await once(false);
  if (first.kind !== 'answered' || !target.refusalExpected) return first;
  // Refused on a connection of its own: the answer had come over one from before the policy.
  const fresh = await once(true);
  if (fresh.kind === 'reset' || fresh.kind === 'closed') return fresh;
  if (fresh.kind === 'answered') return fresh;
  const deadline = target.settledAt ?? effects.now() + drainMs;
  while (effects.now() < deadline) {
    await effects.sleep(drainPauseMs);
    const again = await once(false);
    if (again.kind !== 'answered') return again;
  }
  return first;
}

async function fromContainer(
  from: Container,
  target: PlaintextTarget,
  effects: PlaintextEffects,
): Promise<PlaintextOutcome | undefined> {
  if (target.address === undefined) return undefined;
  const userAgent = `padlock-probe/${effects.nonce()}`;
  try {
    const { signal } = effects;
    const url = `http://${hostOf(target.address)}:${target.port}${probePath}`;
    const result = await curlFor(effects)(from, url, { userAgent, signal });
    return { ...readPlaintextCurl(result), raw: rawCurl(result) };
  } catch (error) {
    effects.signal?.throwIfAborted();
    if (error instanceof NoCurl) return undefined;
    if (!(error instanceof PadlockError)) throw error;
    const detail = error.message;
    return error.code === 'CLUSTER_FORBIDDEN'
      ? { kind: 'not-allowed', right: 'create pods/exec', detail }
      : { kind: 'not-run', detail };
  }
}

export interface ForeignTlsResult {
  readonly outcome: ForeignTlsOutcome;
  /** PEM of the certificates that the server showed; empty where the handshake did not go so far. */
  readonly served: string;
}

/**
 * TLS from a container that no sidecar captures, without a client certificate or with one that nobody signed.
 * @param certificate a PEM file in the container; absent: none is shown
 * @returns undefined where the container cannot call
 */
export async function probeForeignTls(
  target: PodPort & { readonly address: string | undefined },
  from: Container,
  certificate: string | undefined,
  effects: PlaintextEffects,
): Promise<ForeignTlsResult | undefined> {
  if (target.address === undefined) return undefined;
  const shown = certificate === undefined ? 'none' : 'self-signed';
  try {
    const result = await curlFor(effects)(
      from,
      `https://${hostOf(target.address)}:${target.port}${probePath}`,
      {
        userAgent: `padlock-probe/${effects.nonce()}`,
        signal: effects.signal,
        insecure: true,
        ...(certificate === undefined ? {} : { certificate }),
      },
    );
    const outcome = { ...readForeignTlsCurl(result, shown), raw: rawCurl({ ...result, body: '' }) };
    return { outcome, served: shownCertificates(result.body) };
  } catch (error) {
    effects.signal?.throwIfAborted();
    if (error instanceof NoCurl) return undefined;
    if (!(error instanceof PadlockError)) throw error;
    if (error.code === 'CLUSTER_FORBIDDEN') return undefined;
    return { outcome: { kind: 'not-run', shown, detail: error.message }, served: '' };
  }
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
