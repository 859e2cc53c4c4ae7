/**
 * A plaintext caller from outside the mesh that needs no pod of its own: the API server's pod proxy. It connects to
 * the pod's address, so a sidecar sees it like any stranger.
 */
import type { Cluster, RawResponse } from '../../sources/cluster.ts';
import { asText, dig, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { PlaintextOutcome } from './outcome.ts';
import { rawResponse } from './raw-answer.ts';

/** Harmless anywhere: a GET that echoing servers answer with the headers, and others with 404. */
export const probePath = '/headers';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/**
 * Sends one GET in plaintext.
 * @param fresh asks for a connection of its own: the API server keeps connections to pods, and one from before a
 *   policy change may still be served (for as long as Envoy drains, 45 s by default). Requests that ask for an upgrade
 *   are never sent on a kept one (k8s.io/apimachinery, UpgradeAwareHandler); no protocol of this name exists, so nothing
 *   is ever upgraded.
 */
export async function probeByPodProxy(
  cluster: Cluster,
  target: PodPort,
  options: { readonly userAgent: string; readonly fresh: boolean; readonly signal?: AbortSignal | undefined },
): Promise<PlaintextOutcome> {
  const { namespace, pod, port } = target;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}:${port}/proxy${probePath}`;
  const answer = await cluster.raw({
    method: 'GET',
    path,
    headers: {
      'user-agent': options.userAgent,
      ...(options.fresh ? { connection: 'Upgrade', upgrade: 'padlock-probe' } : {}),
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return { ...readPodProxyAnswer(answer), raw: rawResponse(answer, apiStatus(answer.body) !== undefined) };
}

/** Tells the API server's own words from the pod's answer, and one failure from another. */
export function readPodProxyAnswer(answer: RawResponse): PlaintextOutcome {
  const status = apiStatus(answer.body);
  const message = asText(status?.message) ?? '';
  if (status === undefined || (answer.status < 400 && !/^invalid upgrade response/.test(message))) {
    return answered(answer.status, answer.headers.server, answer.body);
  }
  const upgraded = /invalid upgrade response: status code (\d+)/.exec(message)?.[1];
  if (upgraded !== undefined) return answered(Number(upgraded), undefined, '');
  if (answer.status === 403 && /cannot (get|create) resource "pods\/proxy"/.test(message)) {
    return { kind: 'not-allowed', right: 'get pods/proxy', detail: message };
  }
  return readConnectionError(message) ?? ownAnswer(answer.status, status, message);
}

/** A Status that speaks of no connection: the API server's refusal, or an application that speaks Kubernetes itself. */
function ownAnswer(code: number, status: JsonObject, message: string): PlaintextOutcome {
  const kind = asText(dig(status, 'details', 'kind'));
  const isAboutPod = kind === 'pods' || /^pods? "/.test(message);
  if (code === 404 && !isAboutPod) return { kind: 'answered', by: 'application', detail: `HTTP ${code}` };
  return { kind: 'not-run', detail: `the API server answered ${code}: ${message}` };
}

function apiStatus(body: string): JsonObject | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) && parsed.kind === 'Status' && parsed.apiVersion === 'v1' ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function answered(status: number, server: string | undefined, body: string): PlaintextOutcome {
  const upstream = /^(upstream connect error|no healthy upstream)/.exec(body)?.[1];
  if (upstream !== undefined) {
    return { kind: 'answered', by: 'proxy', detail: `HTTP ${status} from the proxy: ${body.slice(0, 160)}` };
  }
  const by = server === 'istio-envoy' || server === 'envoy' ? ` (${server})` : '';
  return { kind: 'answered', by: 'application', detail: `HTTP ${status}${by}` };
}

/** The words of Go's net package, as the API server passes them on, and curl's. */
export function readConnectionError(message: string): PlaintextOutcome | undefined {
  const detail = message.replace(/^error trying to reach service: /, '').slice(0, 300);
  if (/malformed HTTP (response|status)|HTTP\/0\.9|transport connection broken/.test(message)) {
    return { kind: 'answered', by: 'application', detail: `bytes that are no HTTP: ${detail}` };
  }
  if (/connection reset by peer|broken pipe/i.test(message)) return { kind: 'reset', detail };
  if (/connection refused/i.test(message)) return { kind: 'nothing-listens', detail };
  if (
    /dial \w+.*(i\/o timeout|timed out)|^(curl: \(28\) )?(Connection timed out|Failed to connect)/i.test(
      message,
    )
  ) {
    return { kind: 'dropped', detail };
  }
  if (/i\/o timeout|deadline exceeded|timed out|timeout/i.test(message)) return { kind: 'timeout', detail };
  if (/no route to host|network is unreachable|host is down/i.test(message)) {
    return { kind: 'unreachable', detail };
  }
  if (/\bEOF\b|empty reply|server closed/i.test(message)) return { kind: 'closed', detail };
  return undefined;
}
