/** The page's snapshot leaves much out; what is left must give the very same answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { buildMesh } from '../mesh/mesh.ts';
import { posture } from '../mesh/posture.ts';
import { pageSnapshot } from './page-snapshot.ts';
import { parseManifests } from './testing/manifests.ts';

const findings = resolve(import.meta.dirname, '..', 'mesh', 'findings');

test('the page evaluates the examples of every finding as the command line does', () => {
  const folders = readdirSync(findings).filter((name) => /^PL\d{3}-/.test(name));
  expect(folders.length).toBeGreaterThan(30);
  for (const name of folders) {
    for (const file of ['bad.yaml', 'ok.yaml']) {
      const snapshot = parseManifests(readFileSync(join(findings, name, file), 'utf8'));
      const page = buildMesh(JSON.parse(JSON.stringify(pageSnapshot(snapshot))));
      expect(posture(page), `${name}/${file}`).toEqual(posture(buildMesh(snapshot)));
    }
  }
});
