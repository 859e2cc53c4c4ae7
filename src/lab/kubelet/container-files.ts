/**
 * The files that commands in a container can reach: a private folder of the lab for each container and volume.
 * Paths are mapped by text and never lead outside; nothing of the host is in them.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { isFields } from '../../istio/fields.ts';
import type { Api } from '../api/api.ts';
import type { Container, PodObject, ProjectedSource, Volume } from '../kinds/pod.ts';
import { dataOf, fieldOf } from './environment.ts';

export interface ContainerFiles {
  /** The host's path of a container's path; `cwd` is the container's working directory for relative ones. */
  locate(path: string, cwd?: string): string;
}

export interface PodFiles {
  /** Writes what the container's spec mounts, as the API holds it now, and what every container has in /etc. */
  prepare(container: Container): ContainerFiles;
  remove(): void;
}

export interface PodFilesOptions {
  readonly api: Api;
  readonly pod: PodObject;
  readonly ip: string;
  /** A folder of the lab's own for this pod; made when it is first needed. */
  readonly root: string;
  /** A token for the pod's service account; undefined where the API server gives none. */
  readonly token: (audience: string | undefined) => string | undefined;
}

export function createPodFiles(options: PodFilesOptions): PodFiles {
  const { pod, root } = options;
  /** What was written, by path: it is written again when it has changed, as a kubelet does. */
  const written = new Map<string, string>();
  const put = (path: string, text: string): void => {
    if (written.get(path) === text) return;
    writeText(path, text);
    written.set(path, text);
  };
  return {
    prepare(container) {
      const own = join(root, 'containers', container.name);
      for (const folder of ['etc', 'tmp', 'root']) makeFolder(join(own, folder));
      for (const [name, text] of Object.entries(etcFiles(options))) put(join(own, 'etc', name), text);
      const mounts = (container.volumeMounts ?? []).map((mount) => {
        const folder = join(root, 'volumes', mount.name);
        makeFolder(folder);
        const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
        for (const [path, text] of Object.entries(volumeFiles(options, volume))) {
          put(join(folder, clean(path)), text);
        }
        const path = posix.normalize(mount.mountPath).replace(/\/$/, '');
        return { path, folder: mount.subPath === undefined ? folder : join(folder, clean(mount.subPath)) };
      });
      // The deepest mount that a path lies in wins.
      mounts.sort((a, b) => b.path.length - a.path.length);
      return {
        locate(path, cwd = '/') {
          const absolute = clean(posix.isAbsolute(path) ? path : posix.join(cwd, path));
          const mount = mounts.find((item) => absolute === item.path || absolute.startsWith(`${item.path}/`));
          return mount === undefined
            ? join(own, absolute)
            : join(mount.folder, absolute.slice(mount.path.length));
        },
      };
    },
    remove: () => {
      written.clear();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** An absolute path without `..`: normalising from the root leaves none. */
function clean(path: string): string {
  return posix.normalize(`/${path}`);
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function writeText(path: string, text: string): void {
  makeFolder(dirname(path));
  writeFileSync(path, text, { mode: 0o600 });
}

function etcFiles({ pod, ip }: PodFilesOptions): Readonly<Record<string, string>> {
  const namespace = pod.metadata.namespace ?? 'default';
  const hostname = pod.spec.hostname ?? pod.metadata.name;
  return {
    'resolv.conf': `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n`,
    hosts: `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n${ip}\t${hostname}\n`,
    hostname: `${hostname}\n`,
    'os-release': 'NAME="Padlock lab"\nID=padlock-lab\n',
  };
}

function volumeFiles(options: PodFilesOptions, volume: Volume | undefined): Readonly<Record<string, string>> {
  if (volume === undefined) return {};
  const sources: readonly ProjectedSource[] = volume.projected?.sources ?? [volume];
  return Object.assign({}, ...sources.map((source) => sourceFiles(options, source)));
}

function sourceFiles(options: PodFilesOptions, source: ProjectedSource): Readonly<Record<string, string>> {
  const { api, pod, ip, token } = options;
  const { serviceAccountToken, configMap, secret, downwardAPI } = source;
  if (serviceAccountToken !== undefined) {
    const text = token(serviceAccountToken.audience);
    return text === undefined ? {} : { [serviceAccountToken.path]: text };
  }
  if (downwardAPI !== undefined) {
    const items = downwardAPI.items ?? [];
    return Object.fromEntries(
      items.map(({ path, fieldRef }) => [path, fieldOf(pod, fieldRef?.fieldPath ?? '', ip)]),
    );
  }
  const keyed = configMap ?? secret;
  if (keyed === undefined) return {};
  const name = keyed.name ?? keyed.secretName ?? '';
  const object = api.get(secret === undefined ? 'configmaps' : 'secrets', pod.metadata.namespace, name);
  const data = isFields(object?.data) ? dataOf(object.data, secret !== undefined) : {};
  if (keyed.items === undefined) return data;
  return Object.fromEntries(keyed.items.map(({ key, path }) => [path, data[key] ?? '']));
}
