/** `padlock rbac`: flags and help. */
import { buildCommand } from '@stricli/core';
import { PadlockError } from '../../errors.ts';
import { type Capability, capabilities } from '../../sources/rights.ts';
import type { Context } from '../context.ts';

export interface RbacFlags {
  readonly for?: readonly Capability[];
  readonly allNamespaces?: boolean;
  readonly rootNamespace: string;
  readonly user?: string;
  readonly group?: string;
  readonly serviceAccount?: string;
  readonly output: 'yaml' | 'json';
}

const text = (input: string): string => input;

/** @throws PadlockError `USAGE` */
function parseCapability(input: string): Capability {
  const found = capabilities.find((capability) => capability === input);
  if (found !== undefined) return found;
  throw new PadlockError('USAGE', `there is no capability "${input}"`, {
    hint: `there are: ${capabilities.join(', ')}`,
  });
}

export const rbacRoute = buildCommand<RbacFlags, readonly string[], Context>({
  loader: () => import('./rbac.ts'),
  parameters: {
    flags: {
      for: {
        kind: 'parsed',
        parse: parseCapability,
        optional: true,
        variadic: true,
        brief: 'only what this capability needs; without it all of them',
        placeholder: 'CAPABILITY',
      },
      allNamespaces: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'one ClusterRole for every namespace',
      },
      rootNamespace: {
        kind: 'parsed',
        parse: text,
        default: 'istio-system',
        brief: 'where the control plane lives',
        placeholder: 'NS',
      },
      user: { kind: 'parsed', parse: text, optional: true, brief: 'bind to this user', placeholder: 'NAME' },
      group: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'bind to this group',
        placeholder: 'NAME',
      },
      serviceAccount: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'bind to this service account',
        placeholder: 'NS:NAME',
      },
      output: { kind: 'enum', values: ['yaml', 'json'], default: 'yaml', brief: 'how to print it' },
    },
    aliases: { A: 'allNamespaces', o: 'output' },
    positional: {
      kind: 'array',
      parameter: { parse: text, brief: 'namespaces that will be asked about', placeholder: 'NAMESPACE' },
    },
  },
  docs: {
    brief: 'Print the least rights that each capability needs, as Roles to apply.',
    fullDescription: `Prints RBAC objects; nothing is applied. All rights only read, except those of
probe-pods and plan-shadow, which make and remove Jobs and a dry-run policy, and of secure.

CAPABILITIES
  ${capabilities.slice(0, 6).join(', ')},
  ${capabilities.slice(6).join(', ')}

EXAMPLES
  padlock rbac shop --user jane | kubectl apply -f -
  padlock rbac -A --for posture --group auditors
  padlock rbac shop --for configured --for certs`,
  },
});
