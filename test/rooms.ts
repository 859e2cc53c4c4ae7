/**
 * The rule that keeps the rooms apart: which room may import which, and which may touch the outside world.
 * A rule has a name and a sentence; docs/architecture.md draws the same picture.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** Each room with the rooms it may import from (itself and `errors.ts` are always allowed). */
const rooms: Readonly<Record<string, readonly string[]>> = {
  istio: [],
  mesh: ['istio'],
  sources: ['istio', 'mesh'],
  evidence: ['istio', 'mesh', 'sources'],
  plan: ['istio', 'mesh', 'sources', 'evidence'],
  rollout: ['istio', 'mesh', 'sources', 'evidence', 'plan'],
  report: ['istio', 'mesh', 'sources', 'evidence', 'plan', 'rollout'],
  // The lab is Istio's side of the table: it may use types and parsers of istio/, never the mesh's verdicts.
  lab: ['istio'],
  server: ['istio', 'mesh', 'sources', 'evidence', 'plan', 'rollout', 'report'],
  ui: ['istio', 'mesh'],
  cli: ['istio', 'mesh', 'sources', 'evidence', 'plan', 'rollout', 'report', 'server'],
};

/** Rooms that run in a browser: no `node:` import. */
const pure: ReadonlySet<string> = new Set(['istio', 'mesh', 'report', 'ui']);

/** Only these parts of the command line may start the lab. */
const labUsers = /^cli\/(lab|demo)(\/|\.|-)/;

const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;

/** @returns one line for each import under `root` that breaks a rule: `file: import (rule: sentence)`. */
export function wrongImports(root: string): readonly string[] {
  const wrong: string[] = [];
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(entry)) continue;
    const text = readFileSync(join(root, entry), 'utf8');
    for (const match of text.matchAll(importPattern)) {
      const target = match[1] ?? match[2] ?? match[3] ?? '';
      const reason = judge(root, entry, target);
      if (reason !== null) wrong.push(`${join(root, entry)}: ${target} (${reason})`);
    }
  }
  return wrong;
}

/** The reason an import is wrong, or null. Tests may import what they test against. */
function judge(root: string, file: string, target: string): string | null {
  const from = file.split('/')[0] ?? '';
  const isTest = /\.test\.tsx?$/.test(file) || file.includes('/testing/');
  if (isTest || !(from in rooms)) return null;
  if (target.startsWith('node:')) {
    return pure.has(from) ? `pure-room: ${from}/ runs in a browser and takes no node: module` : null;
  }
  if (!target.startsWith('.')) return null;
  const to = relative(root, normalize(join(root, dirname(file), target))).split('/')[0] ?? '';
  if (to === from || to === 'errors.ts' || to.startsWith('..')) return null;
  // What server and page tell each other is one file of types.
  if (from === 'ui' && target.endsWith('/server/wire.ts')) return null;
  if (to === 'lab') {
    return labUsers.test(file)
      ? null
      : 'lab-is-a-cluster: only cli/lab and cli/demo may know that the lab exists';
  }
  return rooms[from]?.includes(to) ? null : `direction: ${from}/ may not import ${to}/`;
}
