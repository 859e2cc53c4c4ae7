/** Asks a Prometheus, or what speaks its HTTP API (prometheus.io/docs/prometheus/latest/querying/api): by URL, or by port-forward. */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asList, asNumber, asObjects, asText, asTextMap, dig } from '../../sources/json-value.ts';
import type { Sample } from '../envoy/prometheus.ts';
import { httpOverStream } from '../http-over-stream.ts';

export interface PrometheusClient {
  /** Where it is, without a password: for the report. */
  readonly name: string;
  /** Evaluates an expression now. @throws PadlockError `PROMETHEUS_FAILED` */
  query(expression: string): Promise<readonly Sample[]>;
}

/** A pod behind a Service. */
export interface PrometheusPod {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  /** `istio-system/prometheus:9090`. */
  readonly name: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

const timeoutMs = 30_000;
const maxBytes = 64 * 1024 * 1024;

/** @param token sent as a bearer token; a user and password in the URL are sent as such */
export function prometheusAt(url: URL, token: string | undefined, signal?: AbortSignal): PrometheusClient {
  const { username, password } = url;
  const base = new URL(url);
  base.username = '';
  base.password = '';
  base.search = '';
  base.hash = '';
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization =
    username === ''
      ? token === undefined
        ? undefined
        : `Bearer ${token}`
      : `Basic ${Buffer.from(login).toString('base64')}`;
  const headers = authorization === undefined ? {} : { authorization };
  const root = base.href.replace(/\/+$/, '');
  return client(root, signal, async (path, deadline) => {
    const response = await fetch(`${root}${path}`, { headers, signal: deadline });
    return { status: response.status, body: await response.text() };
  });
}

export function prometheusIn(cluster: Cluster, place: PrometheusPod, signal?: AbortSignal): PrometheusClient {
  const { namespace, pod, port, name } = place;
  return client(`${name} by port-forward`, signal, async (path, deadline) => {
    const stream = await cluster.portForward(namespace, pod, port, deadline);
    try {
      const [body = ''] = await httpOverStream(stream, { port, paths: [path], signal: deadline, maxBytes });
      return { status: 200, body };
    } catch (error) {
      const [, status, body = ''] = /^it answered (\d+): (.*)$/s.exec(reasonOf(error)) ?? [];
      if (status === undefined) throw error;
      return { status: Number(status), body };
    }
  });
}

function client(
  name: string,
  signal: AbortSignal | undefined,
  get: (path: string, deadline: AbortSignal) => Promise<Answer>,
): PrometheusClient {
  return {
    name,
    async query(expression) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const deadline = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      let answer: Answer;
      try {
        answer = await get(`/api/v1/query?${new URLSearchParams({ query: expression })}`, deadline);
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof PadlockError) throw cause;
        throw failed(name, reasonOf(cause), cause);
      }
      return readAnswer(name, answer);
    },
  };
}

function readAnswer(name: string, { status, body }: Answer): readonly Sample[] {
  const parsed = parseJson(body);
  const error = asText(dig(parsed, 'error'));
  if (status !== 200) throw failed(name, `HTTP ${status}${error === undefined ? '' : `: ${error}`}`);
  if (dig(parsed, 'status') !== 'success' || dig(parsed, 'data', 'resultType') !== 'vector') {
    throw failed(name, error ?? 'what it answers is not Prometheus’ API');
  }
  return asObjects(dig(parsed, 'data', 'result')).flatMap(({ metric, value }): readonly Sample[] => {
    const labels = asTextMap(metric);
    const number = asNumber(asList(value)[1]) ?? Number(asText(asList(value)[1]));
    return Number.isFinite(number) ? [{ name: labels.__name__ ?? '', labels, value: number }] : [];
  });
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    // A login page, or a proxy's error page.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** fetch hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function failed(name: string, reason: string, cause?: unknown): PadlockError {
  return new PadlockError('PROMETHEUS_FAILED', `Prometheus at ${name}: ${reason}`, { cause });
}
