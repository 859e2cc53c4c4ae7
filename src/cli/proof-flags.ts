/** Flags of the commands that look at running proxies: verify, certs, evidence. */
import type { FlagParametersForType } from '@stricli/core';
import { PadlockError } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';
import { type ClusterFlags, clusterFlags } from './common-flags.ts';
import type { Context } from './context.ts';

export interface ProofFlags extends ClusterFlags {
  readonly allNamespaces?: boolean;
}

export const proofFlags = {
  allNamespaces: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'all namespaces of the cluster',
  },
  ...clusterFlags,
} as const satisfies FlagParametersForType<ProofFlags, Context>;

/** One optional namespace, as these commands take it. */
export const namespacePositional = {
  kind: 'tuple',
  parameters: [
    {
      parse: (input: string): string => input,
      brief: 'namespace; the context’s own when left out',
      placeholder: 'NAMESPACE',
      optional: true,
    },
  ],
} as const;

/**
 * The namespaces that are meant: the named one, all (undefined), or the one that the kubeconfig's context names.
 * @throws PadlockError `USAGE` where that leaves none, or where -A contradicts a name
 */
export function namespacesMeant(
  named: string | undefined,
  flags: ProofFlags,
  cluster: Cluster,
): readonly string[] | undefined {
  if (flags.allNamespaces === true) {
    if (named === undefined) return undefined;
    throw new PadlockError('USAGE', `-A means all namespaces, and "${named}" is one`);
  }
  const namespace = named ?? cluster.defaultNamespace;
  if (namespace !== undefined) return [namespace];
  throw new PadlockError('USAGE', 'NAMESPACE is missing', { hint: 'name one, or say -A for all' });
}
