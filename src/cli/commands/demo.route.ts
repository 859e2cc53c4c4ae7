/** `padlock demo`: flags and help. */
import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';

export const demoRoute = buildCommand<Record<never, never>, [], Context>({
  loader: () => import('../demo/demo.ts'),
  parameters: {},
  docs: {
    brief: 'See the main job done in a mesh on this machine, in under half a minute.',
    fullDescription: `Starts a lab (see \`padlock lab --help\`), deploys two workloads in plaintext, shows
that anybody may call them, runs \`padlock secure\`, shows that plaintext is
refused and mutual TLS accepted, prints the proof, and cleans up. Nothing outside
its own temporary folder is touched; your kubeconfig is not read.`,
  },
});
