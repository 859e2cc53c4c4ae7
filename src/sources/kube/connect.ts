/** Opens a cluster by the ordinary kubeconfig. Nothing is sent yet. */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../cluster.ts';
import { asList, asText, asTexts, isObject, type JsonObject } from '../json-value.ts';
import { ApiCluster } from './api-cluster.ts';
import { credentialsFor } from './credentials.ts';
import { chooseContext } from './kubeconfig.ts';
import { inClusterKubeconfig, readKubeconfig } from './kubeconfig-files.ts';
import { Transport } from './transport.ts';

export interface ConnectOptions {
  /** The kubeconfig's current context when absent. */
  readonly context?: string | undefined;
  /** Path of a kubeconfig file; else KUBECONFIG, `~/.kube/config`, or the pod's service account. */
  readonly kubeconfig?: string | undefined;
  /** Milliseconds for each request but watches; 30,000 when absent. */
  readonly requestTimeout?: number | undefined;
  /** User to impersonate. */
  readonly as?: string | undefined;
  readonly asGroups?: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
}

const defaultTimeoutMs = 30_000;

/**
 * Reads the kubeconfig and returns a client for one of its contexts.
 * @throws PadlockError `KUBECONFIG_INVALID`, `CONTEXT_UNKNOWN`, `FILE_NOT_READABLE`, `CLUSTER_UNREACHABLE` (no kubeconfig at all)
 */
export async function connectCluster(options: ConnectOptions): Promise<Cluster> {
  const { env } = options;
  const config = (await readKubeconfig(options.kubeconfig, env)) ?? inClusterKubeconfig(env);
  if (config === undefined) {
    throw new PadlockError('CLUSTER_UNREACHABLE', 'there is no kubeconfig, so no cluster to talk to', {
      hint: 'name a file with --kubeconfig or KUBECONFIG; "padlock lab up" starts a mesh on this machine',
    });
  }
  const chosen = chooseContext(config, options.context);
  const now = (): number => options.now();
  const transport = await Transport.open({
    context: chosen.name,
    cluster: chosen.cluster,
    credentials: credentialsFor(chosen.user, { env, now, cluster: chosen.cluster }),
    env,
    requestTimeoutMs: options.requestTimeout ?? defaultTimeoutMs,
    headers: { 'user-agent': 'padlock', ...impersonation(options, chosen.user) },
  });
  return new ApiCluster({ transport, defaultNamespace: chosen.namespace, now, random: Math.random });
}

/** The headers of user impersonation; flags come before what the kubeconfig's user entry says. */
function impersonation(
  options: ConnectOptions,
  user: JsonObject,
): Readonly<Record<string, string | readonly string[]>> {
  const name = options.as ?? asText(user.as);
  const groups = options.asGroups ?? asTexts(user['as-groups']);
  const uid = asText(user['as-uid']);
  if (groups.length > 0 && name === undefined) {
    throw new PadlockError('USAGE', 'a group can only be impersonated together with a user', {
      hint: 'add --as USER',
    });
  }
  if (name === undefined) return {};
  const extra = isObject(user['as-user-extra']) && options.as === undefined ? user['as-user-extra'] : {};
  return {
    'impersonate-user': name,
    ...(groups.length === 0 ? {} : { 'impersonate-group': groups }),
    ...(uid === undefined || options.as !== undefined ? {} : { 'impersonate-uid': uid }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, value]) => [
        `impersonate-extra-${encodeURIComponent(key)}`,
        asList(value).filter((member) => typeof member === 'string'),
      ]),
    ),
  };
}
