/** Finds and reads the kubeconfig files: `--kubeconfig`, `KUBECONFIG`, `~/.kube/config`, or the pod's service account. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { type Kubeconfig, mergeKubeconfigs, parseKubeconfig } from './kubeconfig.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads what kubectl would read. Files named by KUBECONFIG that are missing are passed over, as kubectl does; one
 * named by `--kubeconfig` must be there.
 * @returns undefined where there is no file at all, or nothing in them
 * @throws PadlockError `KUBECONFIG_INVALID`, `FILE_NOT_READABLE`
 */
export async function readKubeconfig(
  explicit: string | undefined,
  env: Environment,
): Promise<Kubeconfig | undefined> {
  if (explicit !== undefined) {
    const config = await readOne(resolve(explicit));
    if (config !== undefined) return config;
    throw new PadlockError('FILE_NOT_READABLE', `there is no kubeconfig file ${explicit}`, {
      hint: explicit.includes(delimiter)
        ? '--kubeconfig names one file; several belong in the variable KUBECONFIG'
        : 'name an existing one with --kubeconfig',
    });
  }
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  const home = env.HOME ?? env.USERPROFILE;
  const paths = listed.length > 0 ? listed : home === undefined ? [] : [join(home, '.kube', 'config')];
  const read = await Promise.all(paths.map((path) => readOne(resolve(path))));
  const found = read.filter((config) => config !== undefined);
  const merged = mergeKubeconfigs(found);
  return isEmpty(merged) ? undefined : merged;
}

/** As for kubectl: files that say nothing are as good as none. */
function isEmpty({ currentContext, contexts, clusters, users }: Kubeconfig): boolean {
  return currentContext === undefined && contexts.size + clusters.size + users.size === 0;
}

async function readOne(path: string): Promise<Kubeconfig | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new PadlockError('FILE_NOT_READABLE', `cannot read the kubeconfig file ${path}`, {
      cause,
      hint: 'check its permissions, or name another one with --kubeconfig',
    });
  }
  return parseKubeconfig(text, path);
}

/** Where Kubernetes mounts a pod's own credentials (kubernetes.io/docs/tasks/run-application/access-api-from-pod). */
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** @returns the configuration of a process that runs inside a cluster, or undefined where it does not. */
export function inClusterKubeconfig(env: Environment, folder = serviceAccountFolder): Kubeconfig | undefined {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (host === undefined || host === '' || port === undefined) return undefined;
  const name = 'in-cluster';
  const address = host.includes(':') ? `[${host}]` : host;
  return {
    currentContext: name,
    contexts: new Map([[name, { cluster: name, user: name, ...ownNamespace(folder) }]]),
    clusters: new Map([
      [name, { server: `https://${address}:${port}`, 'certificate-authority': `${folder}/ca.crt` }],
    ]),
    users: new Map([[name, { tokenFile: `${folder}/token` }]]),
    files: [folder],
  };
}

/** The namespace that the process runs in: what commands without `-n` are about, as with kubectl. */
function ownNamespace(folder: string): { readonly namespace?: string } {
  try {
    const namespace = readFileSync(join(folder, 'namespace'), 'utf8').trim();
    return namespace === '' ? {} : { namespace };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}
