/** A real API server behind the `Cluster` port: lists in pages, watches, reads that are tried again, bounded concurrency. */
import type { Duplex } from 'node:stream';
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type {
  Cluster,
  ExecOptions,
  ExecResult,
  ListOptions,
  RawRequest,
  RawResponse,
  ResourceType,
  WatchEvent,
} from '../cluster.ts';
import { asObject, asObjects, asText, dig, isObject } from '../json-value.ts';
import { jsonLines } from './json-lines.ts';
import { isKubeObject, listMember } from './kube-object.ts';
import { Limit } from './limit.ts';
import { listQuery, resourcePath } from './resource-path.ts';
import { asksForRetry, isProxied, pause, waitBeforeRetry } from './retry.ts';
import { type Asked, errorForStatus, statusMessage } from './status.ts';
import type { Answer, Exchange, Transport } from './transport.ts';

const pageSize = '500';
/** Requests under way at once: enough to hide the latency, few enough for API priority and fairness. */
const concurrency = 12;

/**
 * The API server ends a watch after so long to twice as long, as client-go asks it to: watches that began together do not end
 * together. One that it does not end is over on its way, without a word (a NAT that forgot it).
 */
const watchSeconds = 300;
const watchGraceSeconds = 30;

export interface ApiClusterOptions {
  readonly transport: Transport;
  readonly defaultNamespace: string | undefined;
  now(): number;
  random(): number;
}

type ListPage = {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly next: string | undefined;
};

export class ApiCluster implements Cluster {
  readonly context: string;
  readonly defaultNamespace: string | undefined;
  readonly #transport: Transport;
  readonly #options: ApiClusterOptions;
  readonly #limit = new Limit(concurrency);

  constructor(options: ApiClusterOptions) {
    this.context = options.transport.context;
    this.defaultNamespace = options.defaultNamespace;
    this.#transport = options.transport;
    this.#options = options;
  }

  async list(
    type: ResourceType,
    options: ListOptions = {},
  ): Promise<{ items: readonly KubeObject[]; resourceVersion: string }> {
    const items: KubeObject[] = [];
    let token: string | undefined;
    for (;;) {
      let page: ListPage;
      try {
        page = await this.#page(type, options, token);
      } catch (error) {
        // The pages' snapshot grew older than etcd keeps: start over, once, in one piece, as kubectl does.
        if (token === undefined || !isExpired(error)) throw error;
        return await this.#page(type, options, undefined, false);
      }
      items.push(...page.items);
      if (page.next === undefined) return { items, resourceVersion: page.resourceVersion };
      token = page.next;
    }
  }

  async get(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
  ): Promise<KubeObject | undefined> {
    const asked = { verb: 'get', group: type.group, resource: type.plural, namespace, name };
    const answer = await this.#read({ method: 'GET', path: resourcePath(type, namespace, name) });
    if (answer.status === 404) return undefined;
    const body = this.#parse(answer, asked);
    if (isKubeObject(body)) return body;
    throw notAnApiServer(this.context, this.#transport.server);
  }

  async *watch(
    type: ResourceType,
    resourceVersion: string,
    options: ListOptions = {},
  ): AsyncGenerator<WatchEvent> {
    const timeoutSeconds = Math.round(watchSeconds * (1 + this.#options.random()));
    const query = listQuery(options, {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(timeoutSeconds),
      resourceVersion,
    });
    const answer = await this.#open({
      method: 'GET',
      path: `${resourcePath(type, options.namespace)}?${query}`,
      headers: { accept: 'application/json' },
      signal: options.signal,
      timeoutMs: (timeoutSeconds + watchGraceSeconds) * 1000,
    });
    if ('body' in answer) {
      if (answer.status === 410) {
        yield { type: 'ERROR', status: asObject(JSON.parse(answer.body)) };
        return;
      }
      const asked = { verb: 'watch', group: type.group, resource: type.plural, namespace: options.namespace };
      throw errorForStatus(answer.status, answer.body, asked, this.context);
    }
    for await (const line of jsonLines(answer.chunks())) {
      const event = readWatchEvent(line);
      if (event !== undefined) yield event;
    }
  }

  async raw(request: RawRequest): Promise<RawResponse> {
    const exchange: Exchange = {
      method: request.method,
      path: request.path,
      headers: { accept: 'application/json, */*', ...request.headers },
      body: request.body,
      signal: request.signal,
    };
    const { retry = 'asked' } = request;
    return this.#limit.run(() => this.#patiently(exchange, retry));
  }

  exec(
    namespace: string,
    pod: string,
    command: readonly string[],
    options: ExecOptions = {},
  ): Promise<ExecResult> {
    return this.#limit.run(async () => {
      // WebSockets are loaded on need: most commands only read.
      const { execInPod } = await import('./exec.ts');
      return execInPod(this.#transport, namespace, pod, command, options);
    });
  }

  async portForward(namespace: string, pod: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const { forwardPort } = await import('./port-forward.ts');
    return forwardPort(this.#transport, namespace, pod, port, signal);
  }

  async #page(
    type: ResourceType,
    options: ListOptions,
    token: string | undefined,
    paged = true,
  ): Promise<ListPage> {
    const query = listQuery(options, paged ? { limit: pageSize, continue: token } : {});
    const answer = await this.#read({
      method: 'GET',
      path: `${resourcePath(type, options.namespace)}${query === '' ? '' : `?${query}`}`,
      headers: { 'accept-encoding': 'gzip' },
      signal: options.signal,
    });
    const asked = { verb: 'list', group: type.group, resource: type.plural, namespace: options.namespace };
    const list = asObject(this.#parse(answer, asked));
    return {
      items: asObjects(list.items)
        .map((item) => listMember(item, list))
        .filter((item) => item !== undefined),
      resourceVersion: asText(dig(list, 'metadata', 'resourceVersion')) ?? '',
      next: asText(dig(list, 'metadata', 'continue')) || undefined,
    };
  }

  #parse(answer: RawResponse, asked: Asked): unknown {
    if (answer.status >= 400) throw errorForStatus(answer.status, answer.body, asked, this.context);
    try {
      return JSON.parse(answer.body);
    } catch (cause) {
      throw notAnApiServer(this.context, this.#transport.server, cause);
    }
  }

  /** A read, tried again where the failure is the passing kind. */
  #read(exchange: Exchange): Promise<RawResponse> {
    const sent = { ...exchange, headers: { accept: 'application/json', ...exchange.headers } };
    return this.#limit.run(() => this.#patiently(sent, 'read'));
  }

  /** Tries again, with its place among those under way kept: what waits cannot become a storm. */
  async #patiently(exchange: Exchange, retry: Retry): Promise<RawResponse> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#once(exchange).catch((error: unknown) => ({ error }));
      const wait = this.#waitAfter(outcome, attempt, exchange, retry);
      if (wait === undefined) {
        if ('error' in outcome) throw outcome.error;
        return outcome;
      }
      await pause(wait, exchange.signal);
    }
  }

  #waitAfter(
    outcome: RawResponse | { readonly error: unknown },
    attempt: number,
    { method, path }: Exchange,
    retry: Retry,
  ): number | undefined {
    const { random, now } = this.#options;
    if (retry === 'none') return undefined;
    if ('error' in outcome) {
      // Whether a lost request was carried out is not known; a probe's reset is what it asked for.
      const repeatable = retry === 'read' || (method === 'GET' && !isProxied(path));
      return repeatable ? waitBeforeRetry(attempt, outcome, random, now()) : undefined;
    }
    if (retry === 'asked' && !asksForRetry(outcome, path)) return undefined;
    const { status, headers } = outcome;
    return waitBeforeRetry(attempt, { status, retryAfter: headers['retry-after'] }, random, now());
  }

  async #once(exchange: Exchange): Promise<RawResponse> {
    const answer = await this.#open(exchange);
    return 'body' in answer ? answer : readWhole(answer);
  }

  /**
   * One request, with one more try where a login plug-in can give a fresh login after a 401.
   * @returns an answer that is good unread, so that a watch can begin with it
   */
  async #open(exchange: Exchange): Promise<Answer | RawResponse> {
    const answer = await this.#transport.send(exchange);
    if (answer.status < 400) return answer;
    const refused = await readWhole(answer);
    if (!isOwnRefusal(refused, exchange.path) || !this.#transport.refuseLogin(answer.authorization))
      return refused;
    const second = await this.#transport.send(exchange);
    return second.status < 400 ? second : readWhole(second);
  }
}

type Retry = 'read' | 'asked' | 'none';

/** A 401 of the API server's own, and not of an application behind its proxy. */
function isOwnRefusal({ status, body }: RawResponse, path: string): boolean {
  return status === 401 && (!isProxied(path) || statusMessage(body) === 'Unauthorized');
}

async function readWhole(answer: Answer): Promise<RawResponse> {
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

function isExpired(error: unknown): boolean {
  return (
    error instanceof PadlockError &&
    error.code === 'CLUSTER_REQUEST_FAILED' &&
    / answered 410\b/.test(error.message)
  );
}

function readWatchEvent(line: unknown): WatchEvent | undefined {
  if (!isObject(line)) return undefined;
  const { type, object } = line;
  if (type === 'ERROR') return { type, status: object };
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK') return undefined;
  return isKubeObject(object) ? { type, object } : undefined;
}

function notAnApiServer(context: string, server: URL, cause?: unknown): PadlockError {
  return new PadlockError(
    'CLUSTER_REQUEST_FAILED',
    `context ${context}: what answers at ${server.host} is not a Kubernetes API server`,
    { cause, hint: 'check the server address in the kubeconfig' },
  );
}
