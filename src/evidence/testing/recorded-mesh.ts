/**
 * A cluster in memory that answers what a real mesh answered under one policy (../shared/inputs/envoy): its objects, its
 * proxies' admin answers, and what each kind of caller got.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { ExecResult, RawRequest, RawResponse } from '../../sources/cluster.ts';
import { asObjects, isObject } from '../../sources/json-value.ts';
import { isKubeObject } from '../../sources/kube/kube-object.ts';
import { MemoryCluster, type MemoryClusterOptions } from '../../sources/memory-cluster.ts';

export const recordings = join(import.meta.dirname, '../../../../shared/inputs/envoy');

export interface RecordedOptions {
  readonly forbids?: MemoryClusterOptions['forbids'];
  /** Changes an object before it is served; undefined leaves it out. */
  readonly change?: (object: KubeObject) => KubeObject | undefined;
  /** Overrides what a request by curl gets; undefined: as recorded. */
  readonly curl?: (pod: string, container: string, url: string) => ExecResult | undefined;
}

const silence =
  '$ \nError from server (ServiceUnavailable): error trying to reach service: i/o timeout\ncurl: (28) Connection timed out\nhttp_code=000 exitcode=28\n';

export function recordedMesh(policy: string, options: RecordedOptions = {}): MemoryCluster {
  const folder = join(recordings, policy);
  const read = (...path: readonly string[]): string => readFileSync(join(folder, ...path), 'utf8');
  // Only one server was called under each policy; the others answer nobody.
  const response = (name: string): string =>
    existsSync(join(folder, 'responses', name)) ? read('responses', name) : silence;
  return new MemoryCluster({
    context: policy,
    objects: readObjects(folder, options.change),
    ...(options.forbids === undefined ? {} : { forbids: options.forbids }),
    raw: (request) => answerRaw(request, read, response, options.forbids),
    exec: (_namespace, pod, command, { container = '' }) => {
      if (command[0] === 'pilot-agent') return ok(read(sideOf(pod), adminFile(command.at(-1) ?? '')));
      const results = operations(command).map((operation, index) => {
        const url = operation.at(-1) ?? '';
        const other = options.curl?.(pod, container, url);
        if (other !== undefined) return other;
        if (container !== 'sleep' && container !== 'istio-proxy') {
          throw new PadlockError(
            'CLUSTER_REQUEST_FAILED',
            'exec: "curl": executable file not found in $PATH',
          );
        }
        if (url === '--version') return ok('curl 8.16.0');
        const service = /\/\/(\w+)\.secure-apps\S*?:(\d+)/.exec(url);
        const caller = container === 'sleep' ? 'sidecar-client' : 'proxy-container-plaintext';
        const target = service === null ? addressTarget(url) : `${service[1]}-${service[2]}`;
        const kind = url.startsWith('https:') ? 'uninjected-https-nocert' : caller;
        return curlResult(response(`${target}.${kind}.txt`), index);
      });
      return {
        stdout: results.map((result) => result.stdout).join(''),
        stderr: results.map((result) => result.stderr).join('\n'),
        exitCode: results.at(-1)?.exitCode ?? 0,
      };
    },
  });
}

/** The requests of one curl command, parted by --next. */
function operations(command: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]];
  for (const word of command) {
    if (word === '--next') parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

function readObjects(folder: string, change: RecordedOptions['change']): readonly KubeObject[] {
  const files = readdirSync(join(folder, 'objects')).filter((file) => file.endsWith('.yaml'));
  const documents = files.map((file): unknown => parse(readFileSync(join(folder, 'objects', file), 'utf8')));
  const all = documents.flatMap((document): readonly unknown[] =>
    isObject(document) && Array.isArray(document.items) ? asObjects(document.items) : [document],
  );
  const unique = new Map(
    all.filter(isKubeObject).map((object) => {
      const { namespace = '', name } = object.metadata;
      return [`${object.kind} ${namespace}/${name}`, object];
    }),
  );
  return [...unique.values()]
    .map((object) => (change === undefined ? object : change(object)))
    .filter((object) => object !== undefined);
}

/** Only the pods whose proxies were recorded. */
function sideOf(pod: string): 'client' | 'server' {
  return pod.startsWith('sleep') ? 'client' : 'server';
}

function adminFile(path: string): string {
  if (path.startsWith('config_dump')) return 'config_dump.json';
  return path.startsWith('stats/prometheus') ? 'stats.prometheus.txt' : `${path.split('?')[0]}.json`;
}

/** Pod ports behind the recorded Services. */
function addressTarget(url: string): string {
  if (url.includes('10.77.1.9:8080')) return 'twoport-8000';
  return url.includes(':9090') ? 'twoport-9000' : 'httpbin-8000';
}

function ok(stdout: string): ExecResult {
  return { stdout, stderr: '', exitCode: 0 };
}

/** The recording's own words for status and exit code, turned into what the asked format would have printed. */
function curlResult(recording: string, index: number): ExecResult {
  const [, ...lines] = recording.split('\n');
  const summary = /http_code=(\d+) exitcode=(\d+)/.exec(recording);
  const body = lines.join('\n').split('http_code=')[0] ?? '';
  const stderr = lines.filter((line) => line.startsWith('curl: (')).join('\n');
  const status = summary?.[1] ?? '000';
  const out = status === '000' ? '' : body;
  const exitCode = Number(summary?.[2] ?? 1);
  const error = stderr.replace(/^curl: \(\d+\) /, '');
  return { stdout: `${out}\n\npadlock-end ${index} ${status} ${exitCode} ${error}\n`, stderr, exitCode };
}

function answerRaw(
  request: RawRequest,
  read: (...path: readonly string[]) => string,
  response: (name: string) => string,
  forbids: MemoryClusterOptions['forbids'],
): RawResponse {
  const [, namespace, pod = '', rest = ''] =
    /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/:]+)(.*)$/.exec(request.path) ?? [];
  const resource = rest.startsWith('/log') ? 'pods/log' : 'pods/proxy';
  if (forbids?.('get', resource, namespace) === true) {
    const message = `pods "${pod}" is forbidden: User "jane" cannot get resource "${resource}" in API group "" in the namespace "${namespace}"`;
    return status(403, message);
  }
  if (resource === 'pods/log') return { status: 200, headers: {}, body: read(sideOf(pod), 'access.log') };
  const port = /^:(\d+)/.exec(rest)?.[1];
  if (port === '15090') return { status: 200, headers: {}, body: read(sideOf(pod), 'stats.prometheus.txt') };
  const name = pod.startsWith('twoport')
    ? port === '9090'
      ? 'twoport-9000'
      : 'twoport-8000'
    : 'httpbin-8000';
  const [, ...lines] = response(`${name}.apiserver-pod-proxy.txt`).split('\n');
  const text = lines.join('\n').replace(/\nexit status \d+\n?$/, '');
  const error = /^Error from server \(ServiceUnavailable\): (.*)/.exec(text)?.[1];
  return error === undefined ? { status: 200, headers: {}, body: text } : status(503, error);
}

function status(code: number, message: string): RawResponse {
  return {
    status: code,
    headers: {},
    body: JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      code,
    }),
  };
}
