/** Flags of the commands that look at running proxies: verify, certs, evidence. */
import type { FlagParametersForType } from '@stricli/core';
import { PadlockError } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';
import { type ClusterFlags, clusterFlags, parseDuration } from './common-flags.ts';
import type { Context } from './context.ts';

export interface ProofFlags extends ClusterFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

export const proofFlags = {
  namespace: {
    kind: 'parsed',
    parse: (input: string): string => input,
    optional: true,
    brief: 'the namespace, as kubectl takes it; the same as naming it',
    placeholder: 'NS',
  },
  allNamespaces: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'all namespaces of the cluster',
  },
  ...clusterFlags,
} as const satisfies FlagParametersForType<ProofFlags, Context>;

/** Flags of the commands that probe: verify and evidence. */
export interface ProbeFlags {
  readonly probePods?: boolean;
  readonly probeImage: string;
  readonly since: number;
  readonly window: number;
  readonly rate: number;
}

export const probeFlags = {
  probePods: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'make two short-lived pods to probe from, and remove them',
  },
  probeImage: {
    kind: 'parsed',
    parse: (input: string): string => input,
    default: 'curlimages/curl:8.16.0',
    brief: 'image of the probe pods; any with curl and sleep',
    placeholder: 'IMAGE',
  },
  since: {
    kind: 'parsed',
    parse: parseDuration,
    default: '5m',
    brief: 'how far back access logs are read',
    placeholder: 'DURATION',
  },
  window: {
    kind: 'parsed',
    parse: parseDuration,
    default: '0s',
    brief: 'watch traffic at least so long before the probes begin',
    placeholder: 'DURATION',
  },
  rate: {
    kind: 'parsed',
    parse: parseRate,
    default: '250',
    brief: 'probes a second, at most; to one pod never more than ten',
    placeholder: 'N',
  },
} as const satisfies FlagParametersForType<ProbeFlags, Context>;

/** @throws PadlockError `USAGE` for what is no number from 1 to 1000 */
function parseRate(input: string): number {
  const rate = Number(input);
  if (/^\d+$/.test(input) && rate >= 1 && rate <= 1000) return rate;
  throw new PadlockError('USAGE', `"${input}" is no rate; write a number of probes a second from 1 to 1000`);
}

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
 * @throws PadlockError `USAGE` where that leaves none, or where they contradict each other
 */
export function namespacesMeant(
  named: string | undefined,
  flags: ProofFlags,
  cluster: Cluster,
): readonly string[] | undefined {
  const asked = named ?? flags.namespace;
  if (named !== undefined && flags.namespace !== undefined && named !== flags.namespace) {
    throw new PadlockError('USAGE', `"${named}" and -n ${flags.namespace} are two namespaces`, {
      hint: 'name one',
    });
  }
  if (flags.allNamespaces === true) {
    if (asked === undefined) return undefined;
    throw new PadlockError('USAGE', `-A means all namespaces, and "${asked}" is one`);
  }
  const namespace = asked ?? cluster.defaultNamespace;
  if (namespace !== undefined) return [namespace];
  throw new PadlockError('USAGE', 'NAMESPACE is missing', { hint: 'name one, or say -A for all' });
}
