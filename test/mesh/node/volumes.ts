/** A pod's volumes as folders of the node, written as the API holds them and written again when that changes. */
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, PodObject, ProjectedSource, Volume } from '../../../src/lab/kinds/pod.ts';
import { dataOf, fieldOf } from '../../../src/lab/kubelet/environment.ts';
import type { Bind } from './container-process.ts';
import type { NodeApi } from './node-api.ts';

/** A config map or secret that the pod needs and that is not there (yet). */
export class MissingVolume extends Error {
  override readonly name = 'MissingVolume';
}

export class PodVolumes {
  readonly #api: NodeApi;
  readonly #folder: string;
  readonly #ip: string;
  /** By path of the token's file: when it is to be asked for again. */
  readonly #tokens = new Map<string, number>();

  constructor(api: NodeApi, folder: string, ip: string) {
    this.#api = api;
    this.#folder = folder;
    this.#ip = ip;
  }

  /** Writes what has changed. @throws MissingVolume */
  async write(pod: PodObject): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      const folder = join(this.#folder, volume.name);
      await mkdir(folder, { recursive: true });
      // Containers write as other users than the node's.
      await chmod(folder, 0o777);
      for (const source of volume.projected?.sources ?? [volume]) {
        for (const [path, text] of await this.#files(pod, folder, source))
          await replace(join(folder, path), text);
      }
    }
  }

  binds(pod: PodObject, container: Container): readonly Bind[] {
    return (container.volumeMounts ?? []).map(({ name, mountPath, subPath = '' }) => {
      const volume: Volume | undefined = pod.spec.volumes?.find((item) => item.name === name);
      const path = hostPathOf(volume) ?? join(this.#folder, name);
      return { source: join(path, subPath), target: mountPath };
    });
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  async #files(
    pod: PodObject,
    folder: string,
    { serviceAccountToken, downwardAPI, configMap, secret }: ProjectedSource,
  ): Promise<readonly (readonly [string, string])[]> {
    if (serviceAccountToken !== undefined) {
      const { path, audience, expirationSeconds = 3600 } = serviceAccountToken;
      const file = join(folder, path);
      if ((this.#tokens.get(file) ?? 0) > Date.now()) return [];
      this.#tokens.set(file, Date.now() + expirationSeconds * 800);
      return [[path, await this.#api.token(pod, audience, expirationSeconds)]];
    }
    if (downwardAPI !== undefined) {
      return (downwardAPI.items ?? []).map(({ path, fieldRef }) => [
        path,
        fieldOf(pod, fieldRef?.fieldPath ?? '', this.#ip),
      ]);
    }
    const keyed = configMap ?? secret;
    if (keyed === undefined) return [];
    const kind = configMap === undefined ? 'secrets' : 'configmaps';
    const name = keyed.name ?? keyed.secretName ?? '';
    const object = await this.#api.get(kind, pod.metadata.namespace ?? '', name);
    if (object === undefined) {
      if (keyed.optional === true) return [];
      throw new MissingVolume(`${kind} "${name}" not found`);
    }
    const data = dataOf(object.data, kind === 'secrets');
    return keyed.items?.map(({ key, path }) => [path, data[key] ?? ''] as const) ?? Object.entries(data);
  }
}

function hostPathOf(volume: Volume | undefined): string | undefined {
  if (volume === undefined || !('hostPath' in volume)) return undefined;
  const { hostPath } = volume as { readonly hostPath?: { readonly path?: string } };
  return hostPath?.path;
}

/** Whoever watches the folder sees one whole new file. */
async function replace(path: string, text: string): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
}
