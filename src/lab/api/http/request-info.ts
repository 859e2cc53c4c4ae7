/** What a request is about, read off its method and path, as the API server's `RequestInfo` is. */

export type ApiVerb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection';

export interface ResourceRequest {
  readonly kind: 'resource';
  readonly verb: ApiVerb;
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  /** The plural in the URL. */
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows a `proxy` subresource, with its slash; empty where nothing does. */
  readonly rest: string;
}

export interface PathRequest {
  readonly kind: 'path';
  /** The HTTP method in lower case: what RBAC calls the verb of a non-resource request. */
  readonly verb: string;
  readonly path: string;
}

export type RequestInfo = ResourceRequest | PathRequest;

const verbs: Readonly<Record<string, ApiVerb>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Namespaces are cluster-scoped: these words after a namespace's name are its subresources. */
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

/** Reads method and URL; a path that is no resource's is a PathRequest. */
export function requestInfo(method: string, url: URL): RequestInfo {
  const path: PathRequest = { kind: 'path', verb: method.toLowerCase(), path: url.pathname };
  const segments = url.pathname.split('/').slice(1);
  const [root, ...rest] = segments;
  const [group, version, parts] =
    root === 'api' ? ['', rest[0], rest.slice(1)] : root === 'apis' ? [rest[0], rest[1], rest.slice(2)] : [];
  if (
    group === undefined ||
    version === undefined ||
    parts === undefined ||
    parts.length === 0 ||
    parts[0] === ''
  ) {
    return path;
  }
  const decoded = parts.map((part) => decodeURIComponent(part));
  return { ...placed(decoded, parts), kind: 'resource', group, version, verb: verbOf(method, url, decoded) };
}

interface Place {
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly rest: string;
}

function placed(parts: readonly string[], raw: readonly string[]): Place {
  const [first = '', second, third] = parts;
  const isNamespaced =
    first === 'namespaces' && third !== undefined && third !== '' && !namespaceSubresources.has(third);
  const offset = isNamespaced ? 2 : 0;
  const [resource = '', name, subresource] = parts.slice(offset);
  const after = raw.slice(offset + 3);
  return {
    namespace: isNamespaced ? second : first === 'namespaces' ? second || undefined : undefined,
    resource,
    name: name === '' ? undefined : name,
    subresource: subresource === '' ? undefined : subresource,
    rest: after.length === 0 ? '' : `/${after.join('/')}`,
  };
}

function verbOf(method: string, url: URL, parts: readonly string[]): ApiVerb {
  const verb = verbs[method] ?? 'get';
  const { name } = placed(parts, parts);
  if (name !== undefined) {
    return verb;
  }
  if (verb === 'delete') return 'deletecollection';
  if (verb !== 'get') return verb;
  return isTrue(url.searchParams.get('watch')) ? 'watch' : 'list';
}

/** Query values that stand for true: `?watch`, `?watch=1`, `?watch=true`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false' && value !== 'f' && value !== 'F';
}
