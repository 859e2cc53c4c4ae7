/** `padlock watch`: flags and help. */
import { buildCommand } from '@stricli/core';
import { PadlockError } from '../../errors.ts';
import { type ClusterFlags, clusterFlags, parseDuration } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface WatchFlags extends ClusterFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly state?: string;
  readonly metrics?: Listen;
  readonly lease?: Place;
  readonly trafficEvery: number;
  readonly proxiesEvery: number;
  readonly quiet: number;
  readonly proposeStats?: boolean;
  readonly output: 'text' | 'json';
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `NAMESPACE/NAME` */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

const text = (input: string): string => input;

export const watchRoute = buildCommand<WatchFlags, readonly [namespace?: string], Context>({
  loader: () => import('./watch.ts'),
  parameters: {
    flags: {
      namespace: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'the namespace to watch; the context’s own when left out',
        placeholder: 'NS',
      },
      allNamespaces: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'all namespaces of the cluster',
      },
      state: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'what was told already is kept here: a file, or configmap:NS/NAME',
        placeholder: 'WHERE',
      },
      metrics: {
        kind: 'parsed',
        parse: parseListen,
        optional: true,
        brief: 'serve Prometheus metrics on this address, e.g. :9464 (loopback) or 0.0.0.0:9464',
        placeholder: 'ADDR',
      },
      lease: {
        kind: 'parsed',
        parse: parsePlace,
        optional: true,
        brief: 'watch only while holding this Lease, so that of several one watches',
        placeholder: 'NS/NAME',
      },
      trafficEvery: {
        kind: 'parsed',
        parse: parseInterval,
        default: '15s',
        brief: 'how often access logs and counters are read',
        placeholder: 'TIME',
      },
      proxiesEvery: {
        kind: 'parsed',
        parse: parseInterval,
        default: '1m',
        brief: 'how often the proxies’ configuration and certificates are read',
        placeholder: 'TIME',
      },
      quiet: {
        kind: 'parsed',
        parse: parseDuration,
        default: '1h',
        brief: 'a sender is told again after it was quiet for so long',
        placeholder: 'TIME',
      },
      proposeStats: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'print what makes proxies count failed handshakes, and end',
      },
      output: {
        kind: 'enum',
        values: ['text', 'json'],
        default: 'text',
        brief: 'text, or one JSON object a line',
      },
      ...clusterFlags,
    },
    aliases: { n: 'namespace', A: 'allNamespaces', o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: text, brief: 'the same as -n', placeholder: 'NAMESPACE', optional: true }],
    },
  },
  docs: {
    brief: 'Tell what weakens mutual TLS as it happens; and a Prometheus exporter.',
    fullDescription: `Tells each thing once: modes weakened or strengthened and by whom, clients that go
without mutual TLS, workloads that leave the mesh, plaintext and refused connections with
their senders, certificates not renewed, proxies that are behind. With --state a restart
goes on where it ended, without missing or repeating. Ends with Ctrl-C.

EXAMPLES
  padlock watch shop
  padlock watch -A --state ~/.padlock-watch.json -o json
  padlock watch -A --metrics :9464
  padlock watch shop --propose-stats`,
  },
});

/** `:9464` is loopback; another interface must be named. */
function parseListen(input: string): Listen {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:]*):(\d{1,5})$/.exec(input);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) {
    throw new PadlockError('USAGE', `"${input}" is no address; write it like :9464 or 0.0.0.0:9464`);
  }
  return { host: match[1]?.replace(/^\[|\]$/g, '') || '127.0.0.1', port };
}

export function parsePlace(input: string): Place {
  const [namespace = '', name = '', ...rest] = input.split('/');
  if (namespace !== '' && name !== '' && rest.length === 0) return { namespace, name };
  throw new PadlockError('USAGE', `"${input}" is not of the form NAMESPACE/NAME`);
}

function parseInterval(input: string): number {
  const milliseconds = parseDuration(input);
  if (milliseconds >= 1000) return milliseconds;
  throw new PadlockError('USAGE', `"${input}" is too short; a look takes its time: 1s or more`);
}
