/** `padlock evidence` and `padlock evidence verify`: flags and help. */
import { buildCommand, buildRouteMap } from '@stricli/core';
import type { Context } from '../context.ts';
import {
  namespacePositional,
  type ProbeFlags,
  type ProofFlags,
  probeFlags,
  proofFlags,
} from '../proof-flags.ts';

export interface EvidenceFlags extends ProofFlags, ProbeFlags {
  readonly output: string;
  readonly signWith?: string;
}

export interface EvidenceVerifyFlags {
  readonly publicKey?: string;
  readonly output: 'text' | 'json';
}

const text = (input: string): string => input;

const collectRoute = buildCommand<EvidenceFlags, readonly [namespace?: string], Context>({
  loader: async () => (await import('./evidence.ts')).collect,
  parameters: {
    flags: {
      ...proofFlags,
      output: {
        kind: 'parsed',
        parse: text,
        brief: 'folder, or a file that ends in .tar.gz; must not exist yet',
        placeholder: 'DIR|FILE.tar.gz',
      },
      signWith: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'private key in PEM that signs the manifest',
        placeholder: 'KEY',
      },
      ...probeFlags,
    },
    aliases: { n: 'namespace', A: 'allNamespaces', o: 'output' },
    positional: namespacePositional,
  },
  docs: {
    brief: 'Verify, and keep everything that was asked and answered in a dated bundle.',
    fullDescription: `Runs "padlock verify" and "padlock certs" and writes report.html (no network, prints
well), the same as JSON and CSV, the posture, the snapshot, and a manifest of
SHA-256 sums, which --sign-with signs. The exit code is that of verify.

EXAMPLES
  padlock evidence shop -o shop-2026-11.tar.gz --sign-with key.pem
  padlock evidence verify shop-2026-11.tar.gz --public-key key.pub.pem`,
  },
});

const verifyRoute = buildCommand<EvidenceVerifyFlags, readonly [bundle: string], Context>({
  loader: async () => (await import('./evidence.ts')).check,
  parameters: {
    flags: {
      publicKey: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'public key in PEM that must have signed it',
        placeholder: 'FILE',
      },
      output: { kind: 'enum', values: ['text', 'json'], default: 'text', brief: 'how to print it' },
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: text, brief: 'the bundle: a folder or a .tar.gz file', placeholder: 'BUNDLE' }],
    },
  },
  docs: {
    brief: 'Check that no file of a bundle was changed, and who signed it.',
    fullDescription: `EXIT CODES
  0  unchanged, and signed by --public-key where that is given
  1  changed, or signed by nobody or another
  2  could not run`,
  },
});

export const evidenceRoute = buildRouteMap({
  routes: { collect: collectRoute, verify: verifyRoute },
  defaultCommand: 'collect',
  docs: { brief: 'Keep a proof for an auditor: a dated, hashed and signed bundle; or check one.' },
});
