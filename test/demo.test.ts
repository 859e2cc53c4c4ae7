import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, padlock, type Result } from './built.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-demo-test-'));

beforeAll(ensureBuilt, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the demo with a home and a folder for temporary files of its own, and says what it left in them. */
async function demo(
  name: string,
  interruptWhen?: (output: string) => boolean,
): Promise<Result & { readonly left: readonly string[] }> {
  const home = mkdtempSync(join(folder, `${name}-`));
  const result = await padlock(['demo'], {
    cwd: home,
    env: { TMPDIR: home },
    ...(interruptWhen === undefined ? {} : { interruptWhen }),
  });
  // Node's own cache of compiled code, which every command keeps.
  return { ...result, left: readdirSync(home).filter((name) => name !== 'node-compile-cache') };
}

// The demo is a whole rollout: some ten seconds on a quiet machine, and more on a busy one.
const slowly = { timeout: 120_000 };

test('the demo shows plaintext, the change and the proof, and leaves nothing', slowly, async () => {
  const { code, stdout, stderr, left } = await demo('whole');
  expect(stderr).toBe('');
  const [, before = '', during = '', after = '', proof = ''] = stdout.split(/^\d\. .*$/m);
  expect(before.match(/plaintext {4}200/g)).toHaveLength(2);
  expect(during).toContain('PROVEN mutual TLS accepted, plaintext refused: 1 of 1 port');
  expect(after).toContain('mutual TLS   200, called by spiffe://cluster.local/ns/shop/sa/sleep');
  expect(after).toMatch(/refused {6}curl: \(56\) Recv failure: Connection reset by peer/);
  expect(proof).toMatch(/Deployment\/httpbin +80 +PROVEN/);
  expect(stdout).toContain('What to try next:');
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(code).toBe(0);
  expect(left).toEqual([]);
});

test.each([
  ['as the mesh starts', /A mesh on this machine/],
  ['as workloads are deployed', /1\. An ordinary namespace/],
  ['in the middle of a rollout', /\[2\/\d+\]/],
])('Ctrl-C %s ends the demo with 130 and leaves nothing', slowly, async (_when, pattern) => {
  const { code, stdout, stderr, left } = await demo('cut', (output) => pattern.test(output));
  expect(stderr).toBe('error: interrupted; the demo’s mesh is gone again\n');
  expect(stdout).not.toContain('What to try next');
  expect(code).toBe(130);
  expect(left).toEqual([]);
});
