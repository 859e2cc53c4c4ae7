/** `padlock lab up|status|down`: flags and help. */
import { buildCommand, buildRouteMap, type FlagParametersForType } from '@stricli/core';
import type { Context } from '../context.ts';
import {
  parseCertTtl,
  parseLabPort,
  parseNodes,
  parsePropagation,
  parseScenario,
  parseSeed,
  scenarioNames,
} from '../lab-values.ts';

export interface LabNameFlags {
  readonly name: string;
}

export interface LabServeFlags extends LabNameFlags {
  readonly port: number;
  readonly nodes: number;
  /** Seconds. */
  readonly certTtl?: number;
  /** Milliseconds. */
  readonly propagation?: { readonly min: number; readonly max: number };
  readonly seed: number;
  readonly meshConfig?: string;
  readonly data?: string;
  readonly kubeconfig?: string;
  readonly merge?: boolean;
  readonly scenario?: ReturnType<typeof parseScenario>;
}

export interface LabUpFlags extends LabServeFlags {
  readonly foreground?: boolean;
}

export interface LabStatusFlags extends LabNameFlags {
  readonly output: 'text' | 'json';
}

const nameFlags = {
  name: {
    kind: 'parsed',
    parse: (input) => input,
    default: 'lab',
    brief: 'which lab; each has a mesh and a kubeconfig of its own',
    placeholder: 'NAME',
  },
} as const satisfies FlagParametersForType<LabNameFlags, Context>;

const serveFlags = {
  ...nameFlags,
  port: {
    kind: 'parsed',
    parse: parseLabPort,
    default: '0',
    brief: 'port of the API server on 127.0.0.1; 0 is any free one',
    placeholder: 'PORT',
  },
  nodes: {
    kind: 'parsed',
    parse: parseNodes,
    default: '2',
    brief: 'how many nodes, 1 to 8',
    placeholder: 'N',
  },
  certTtl: {
    kind: 'parsed',
    parse: parseCertTtl,
    optional: true,
    brief: 'how long workload certificates live, e.g. 2m (default 24h)',
    placeholder: 'TIME',
  },
  propagation: {
    kind: 'parsed',
    parse: parsePropagation,
    optional: true,
    brief: 'each proxy loads a change after a delay of its own, e.g. 100ms..2s (default: at once)',
    placeholder: 'MIN..MAX',
  },
  seed: {
    kind: 'parsed',
    parse: parseSeed,
    default: '1',
    brief: 'the same seed gives the same delays',
    placeholder: 'N',
  },
  meshConfig: {
    kind: 'parsed',
    parse: (input) => input,
    optional: true,
    brief: "the mesh config's YAML instead of Istio's defaults",
    placeholder: 'FILE',
  },
  data: {
    kind: 'parsed',
    parse: (input) => input,
    optional: true,
    brief: 'keep the objects in this folder; the next lab on it has them again, also after a kill',
    placeholder: 'DIR',
  },
  kubeconfig: {
    kind: 'parsed',
    parse: (input) => input,
    optional: true,
    brief: "where to write the kubeconfig (default: the lab's own folder)",
    placeholder: 'FILE',
  },
  scenario: {
    kind: 'parsed',
    parse: parseScenario,
    optional: true,
    proposeCompletions: () => scenarioNames,
    brief: `deploy something that STRICT would break: ${scenarioNames.join(', ')}`,
    placeholder: 'NAME',
  },
  merge: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'also add the lab to your own kubeconfig; `down` takes it out again',
  },
} as const satisfies FlagParametersForType<LabServeFlags, Context>;

const up = buildCommand<LabUpFlags, [], Context>({
  loader: () => import('../lab/up.ts'),
  parameters: {
    flags: {
      ...serveFlags,
      foreground: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'stay in the foreground; Ctrl-C ends the lab',
      },
    },
  },
  docs: {
    brief: 'Starts a mesh on this machine: no root, no containers, no cluster.',
    fullDescription: `Serves the Kubernetes API on 127.0.0.1 and runs real traffic through sidecars
that do real mutual TLS. The lab runs in the background until \`padlock lab down\`.
Standard output is the one line that a shell needs; the rest goes to standard error.

EXAMPLES
  eval "$(padlock lab up)"                    start it, and use it in this shell
  kubectl get pods -n istio-system            ask it
  padlock lab up --name two --cert-ttl 2m     another, short certificates`,
  },
});

/** What `up` starts in the background; nothing for people. */
const serve = buildCommand<LabServeFlags, [], Context>({
  loader: () => import('../lab/serve.ts'),
  parameters: { flags: serveFlags },
  docs: { brief: 'Runs a lab for `padlock lab up`.' },
});

const status = buildCommand<LabStatusFlags, [], Context>({
  loader: () => import('../lab/status.ts'),
  parameters: {
    flags: {
      ...nameFlags,
      output: {
        kind: 'enum',
        values: ['text', 'json'],
        default: 'text',
        brief: 'text for people, json for scripts',
      },
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Says whether a lab runs, and how to use it. Exit code 1: it does not.',
  },
});

const down = buildCommand<LabNameFlags, [], Context>({
  loader: () => import('../lab/down.ts'),
  parameters: { flags: nameFlags },
  docs: {
    brief: 'Ends a lab and removes what it wrote; no lab is no mistake.',
  },
});

export const labRoute = buildRouteMap({
  routes: { up, status, down, serve },
  docs: {
    brief: 'A mesh on this machine to try things on: `up`, `status`, `down`.',
    hideRoute: { serve: true },
  },
});
