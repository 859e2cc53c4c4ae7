/**
 * A cluster in memory: the twin of a real one for tests and for trying things out. It holds objects, refuses what it is
 * told to refuse, and answers exec, port-forward and raw requests with what it was given.
 */
import type { Duplex } from 'node:stream';
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import type {
  Cluster,
  ExecOptions,
  ExecResult,
  ListOptions,
  RawRequest,
  RawResponse,
  ResourceType,
  WatchEvent,
} from './cluster.ts';
import { resourceName } from './snapshot-types.ts';

/** What the twin answers beyond its objects; anything left out is refused as unsupported. */
export interface MemoryClusterOptions {
  readonly context?: string;
  readonly objects?: readonly KubeObject[];
  /** Given a verb, resource (`pods`, `pods/exec`, `peerauthentications.security.istio.io`) and namespace: is it forbidden? */
  readonly forbids?: (verb: string, resource: string, namespace: string | undefined) => boolean;
  readonly exec?: (
    namespace: string,
    pod: string,
    command: readonly string[],
    options: ExecOptions,
  ) => ExecResult | Promise<ExecResult>;
  readonly raw?: (request: RawRequest) => RawResponse | Promise<RawResponse>;
  readonly portForward?: (namespace: string, pod: string, port: number) => Duplex;
}

/** The plurals that English does not make by adding an s. */
function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('s')) return `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

function groupOf(object: KubeObject): string {
  return object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
}

export class MemoryCluster implements Cluster {
  readonly context: string;
  readonly #options: MemoryClusterOptions;
  /** Every request in order, as `verb resource namespace/name`: for tests that ask what was done. */
  readonly requests: string[] = [];

  constructor(options: MemoryClusterOptions = {}) {
    this.#options = options;
    this.context = options.context ?? 'memory';
  }

  async list(
    type: ResourceType,
    options: ListOptions = {},
  ): Promise<{ items: readonly KubeObject[]; resourceVersion: string }> {
    this.#check('list', resourceName(type), options.namespace, '');
    const labels = (options.labelSelector ?? '').split(',').filter((term) => term !== '');
    const items = this.#of(type).filter(
      (object) =>
        (options.namespace === undefined || object.metadata.namespace === options.namespace) &&
        labels.every((term) => {
          const [key = '', value] = term.split('=');
          return object.metadata.labels?.[key] === value;
        }),
    );
    return { items, resourceVersion: '1' };
  }

  async get(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
  ): Promise<KubeObject | undefined> {
    this.#check('get', resourceName(type), namespace, name);
    return this.#of(type).find(
      (object) => object.metadata.name === name && object.metadata.namespace === namespace,
    );
  }

  async *watch(type: ResourceType, _version: string, options: ListOptions = {}): AsyncGenerator<WatchEvent> {
    this.#check('watch', resourceName(type), options.namespace, '');
    for (const object of this.#of(type)) yield { type: 'ADDED', object };
  }

  async raw(request: RawRequest): Promise<RawResponse> {
    this.requests.push(`${request.method} ${request.path}`);
    const discovery = this.#discovery(request.path);
    if (discovery !== undefined) return { status: 200, headers: {}, body: JSON.stringify(discovery) };
    if (this.#options.raw === undefined) return { status: 404, headers: {}, body: '{"message":"not found"}' };
    return this.#options.raw(request);
  }

  async exec(
    namespace: string,
    pod: string,
    command: readonly string[],
    options: ExecOptions = {},
  ): Promise<ExecResult> {
    this.#check('create', 'pods/exec', namespace, pod);
    if (this.#options.exec === undefined) throw this.#unsupported('exec');
    return this.#options.exec(namespace, pod, command, options);
  }

  async portForward(namespace: string, pod: string, port: number): Promise<Duplex> {
    this.#check('create', 'pods/portforward', namespace, pod);
    if (this.#options.portForward === undefined) throw this.#unsupported('port-forward');
    return this.#options.portForward(namespace, pod, port);
  }

  #of(type: ResourceType): readonly KubeObject[] {
    return (this.#options.objects ?? []).filter(
      (object) => groupOf(object) === type.group && pluralOf(object.kind) === type.plural,
    );
  }

  /** Discovery of the groups that the objects are of. */
  #discovery(path: string): unknown {
    const objects = (this.#options.objects ?? []).filter((object) => groupOf(object) !== '');
    if (path === '/apis') {
      const versions = [...new Set(objects.map((object) => object.apiVersion))];
      const groups = versions.map((groupVersion) => ({
        name: groupVersion.split('/')[0],
        versions: [{ groupVersion }],
        preferredVersion: { groupVersion },
      }));
      return { groups };
    }
    const served = objects.filter((object) => path === `/apis/${object.apiVersion}`);
    if (served.length === 0) return undefined;
    return {
      resources: [...new Set(served.map((object) => object.kind))].map((kind) => ({
        name: pluralOf(kind),
        kind,
        namespaced: true,
      })),
    };
  }

  #check(verb: string, resource: string, namespace: string | undefined, name: string): void {
    this.requests.push(`${verb} ${resource} ${namespace ?? ''}/${name}`);
    if (this.#options.forbids?.(verb, resource, namespace) !== true) return;
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    throw new PadlockError('CLUSTER_FORBIDDEN', `not allowed to ${verb} ${resource}${where}`);
  }

  #unsupported(what: string): PadlockError {
    return new PadlockError('CLUSTER_REQUEST_FAILED', `the cluster in memory was given no ${what}`);
  }
}
