/** Flags that many commands share, spelled as kubectl spells them, and the loader that they steer. */
import type { FlagParametersForType } from '@stricli/core';
import { PadlockError } from '../errors.ts';
import type { Context } from './context.ts';

/** How to reach the cluster. */
export interface ClusterFlags {
  readonly context?: string;
  readonly kubeconfig?: string;
  /** Entries of the kubeconfig in the place of the context's own. */
  readonly cluster?: string;
  readonly user?: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
  readonly asUid?: string;
  /** In milliseconds; 0 waits for ever. */
  readonly requestTimeout?: number;
}

/** What to read: manifests, or namespaces of a cluster. */
export interface InputFlags extends ClusterFlags {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

const text = (input: string): string => input;

export const clusterFlags = {
  context: {
    kind: 'parsed',
    parse: text,
    optional: true,
    brief: 'kubeconfig context to use',
    placeholder: 'NAME',
  },
  kubeconfig: {
    kind: 'parsed',
    parse: text,
    optional: true,
    brief: 'kubeconfig file to use',
    placeholder: 'FILE',
  },
  // The three that few people need are hidden in the help of each command; docs/cluster-access.md has them.
  cluster: {
    kind: 'parsed',
    parse: text,
    optional: true,
    hidden: true,
    brief: 'cluster of the kubeconfig to use',
    placeholder: 'NAME',
  },
  user: {
    kind: 'parsed',
    parse: text,
    optional: true,
    hidden: true,
    brief: 'user of the kubeconfig to use',
    placeholder: 'NAME',
  },
  as: {
    kind: 'parsed',
    parse: text,
    optional: true,
    brief: 'user to impersonate',
    placeholder: 'USER',
  },
  asGroup: {
    kind: 'parsed',
    parse: text,
    optional: true,
    variadic: true,
    brief: 'group to impersonate',
    placeholder: 'GROUP',
  },
  asUid: {
    kind: 'parsed',
    parse: text,
    optional: true,
    hidden: true,
    brief: 'uid to impersonate',
    placeholder: 'UID',
  },
  requestTimeout: {
    kind: 'parsed',
    parse: parseDuration,
    optional: true,
    brief: 'give up on one request after this time, e.g. 10s (default 30s; 0: never)',
    placeholder: 'TIME',
  },
} as const satisfies FlagParametersForType<ClusterFlags, Context>;

/** @returns what of a command's flags says how to reach the cluster, for a second command on the same one. */
export function onlyClusterFlags(flags: ClusterFlags): ClusterFlags {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => name in clusterFlags));
}

export const inputFlags = {
  filename: {
    kind: 'parsed',
    parse: text,
    optional: true,
    variadic: true,
    brief: 'manifests or a saved snapshot: a file, a folder, or - for standard input',
    placeholder: 'FILE',
  },
  namespace: {
    kind: 'parsed',
    parse: text,
    optional: true,
    brief: 'only this namespace',
    placeholder: 'NS',
  },
  allNamespaces: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'all namespaces of the cluster',
  },
  ...clusterFlags,
} as const satisfies FlagParametersForType<InputFlags, Context>;

/** Short names for `inputFlags`; commands with `--output` add `o: 'output'`. */
export const inputAliases = { f: 'filename', n: 'namespace', A: 'allNamespaces' } as const;

/**
 * Reads a duration as Kubernetes and Go write it: `500ms`, `10s`, `1m30s`, `2h`; a bare number is seconds.
 * @returns milliseconds
 * @throws PadlockError `USAGE` for anything else
 */
export function parseDuration(input: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (/^\d+$/.test(input)) return Number(input) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(input)) {
    throw new PadlockError('USAGE', `"${input}" is not a duration; write it like 500ms, 10s or 1m30s`);
  }
  let total = 0;
  for (const [, amount = '', , unit = ''] of input.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit] ?? 0);
  }
  return Math.round(total);
}

/**
 * Reads a port number.
 * @throws PadlockError `USAGE` outside 1 to 65535
 */
export function parsePort(input: string): number {
  const port = Number(input);
  if (!/^\d+$/.test(input) || port < 1 || port > 65535) {
    throw new PadlockError('USAGE', `"${input}" is not a port; a port is a number from 1 to 65535`);
  }
  return port;
}
