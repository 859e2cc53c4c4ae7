/** Opens a cluster by the ordinary kubeconfig. Nothing is sent yet. */
import packageJson from '../../../package.json' with { type: 'json' };
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../cluster.ts';
import { asList, asObject, asText, asTexts, type JsonObject } from '../json-value.ts';
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
  /** Entries of the kubeconfig in the place of those that the context names. */
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  /** Milliseconds for each request but watches; 30,000 when absent, 0 for no end. */
  readonly requestTimeout?: number | undefined;
  /** User to impersonate. */
  readonly as?: string | undefined;
  readonly asGroups?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  /** A person can answer an exec plug-in on standard input; false when absent. */
  readonly isTerminal?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** From 0 to 1, for the jitter of waits; `Math.random` when absent. */
  random?(): number;
}

const defaultTimeoutMs = 30_000;
/** What audit logs and API priority and fairness know Padlock by. */
const userAgent = `padlock/${packageJson.version} (${process.platform}/${process.arch})`;

/**
 * Reads the kubeconfig and returns a client for one of its contexts.
 * @throws PadlockError `KUBECONFIG_INVALID`, `CONTEXT_UNKNOWN`, `FILE_NOT_READABLE`, `CLUSTER_UNREACHABLE` (no kubeconfig at all)
 */
export async function connectCluster(options: ConnectOptions): Promise<Cluster> {
  const { env } = options;
  // An empty value is none, as with kubectl: scripts write --context "$CONTEXT".
  const config = (await readKubeconfig(options.kubeconfig || undefined, env)) ?? inClusterKubeconfig(env);
  if (config === undefined) {
    throw new PadlockError('CLUSTER_UNREACHABLE', 'there is no kubeconfig, so no cluster to talk to', {
      hint: 'name a file with --kubeconfig or KUBECONFIG; "padlock lab up" starts a mesh on this machine',
    });
  }
  const chosen = chooseContext(config, options.context || undefined, options);
  const now = (): number => options.now();
  const isTerminal = options.isTerminal === true;
  const transport = await Transport.open({
    context: chosen.name,
    cluster: chosen.cluster,
    credentials: credentialsFor(chosen.user, { env, now, cluster: chosen.cluster, isTerminal }),
    env,
    requestTimeoutMs: options.requestTimeout ?? defaultTimeoutMs,
    headers: { 'user-agent': userAgent, ...impersonation(options, chosen.user) },
  });
  const random = (): number => options.random?.() ?? Math.random();
  return new ApiCluster({ transport, defaultNamespace: chosen.namespace, now, random });
}

/** The headers of user impersonation; each flag comes before what the kubeconfig's user entry says, as with kubectl. */
function impersonation(
  options: ConnectOptions,
  user: JsonObject,
): Readonly<Record<string, string | readonly string[]>> {
  const name = options.as || asText(user.as) || undefined;
  const groups = options.asGroups ?? asTexts(user['as-groups']);
  const uid = options.asUid || asText(user['as-uid']) || undefined;
  if (name === undefined) {
    const what = groups.length > 0 ? 'a group' : uid === undefined ? undefined : 'a uid';
    if (what === undefined) return {};
    throw new PadlockError('USAGE', `${what} can only be impersonated together with a user`, {
      hint: 'add --as USER',
    });
  }
  const extra = asObject(user['as-user-extra']);
  return {
    'impersonate-user': name,
    ...(groups.length === 0 ? {} : { 'impersonate-group': groups }),
    ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, value]) => [
        `impersonate-extra-${encodeURIComponent(key)}`,
        asList(value).filter((member) => typeof member === 'string'),
      ]),
    ),
  };
}
