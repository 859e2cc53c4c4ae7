import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, padlock } from './built.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-explain-'));
const testdata = join(import.meta.dirname, 'testdata');
const explain = (words: readonly string[], stdin?: string) =>
  padlock(['explain', ...words], { cwd: folder, ...(stdin === undefined ? {} : { stdin }) });

beforeAll(async () => {
  await ensureBuilt();
  writeFileSync(join(folder, 'shop.yaml'), readFileSync(join(testdata, 'explain.yaml')));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('a refused call, from verdict to the command that mends it, at 80 columns', async () => {
  const { code, stdout, stderr } = await explain(['web/front', 'shop/cart:8000', '-f', 'shop.yaml']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await expect(stdout).toMatchFileSnapshot(join(testdata, 'explain-call.txt'));
});

test('the same for programs, each field with its exact line', async () => {
  const { code, stdout } = await explain(['web/front', 'shop/cart:8000', '-f', 'shop.yaml', '-o', 'json']);
  expect(code).toBe(0);
  const source = readFileSync(join(testdata, 'explain.yaml'), 'utf8').split('\n');
  const [answer] = JSON.parse(stdout).answers;
  expect(answer).toMatchObject({
    client: 'Deployment web/front',
    sends: 'plaintext',
    outcome: 'refused',
    change: { field: 'spec.trafficPolicy.tls', from: 'DISABLE', resource: { kind: 'DestinationRule' } },
  });
  expect(source[answer.change.origin.line - 1]).toContain('tls:');
  expect(answer.change.commands).toEqual([expect.stringContaining('kubectl patch destinationrule cart-off')]);
  const decides = answer.serverSide.levels.find(({ decides: yes }: { decides: boolean }) => yes);
  expect(source[decides.reason.origin.line - 1]).toContain('mode: STRICT');
});

test('manifests through a pipe, one port', async () => {
  const text = readFileSync(join(folder, 'shop.yaml'), 'utf8');
  const { code, stdout } = await explain(['shop/cart:8080', '-f', '-'], text);
  expect(code).toBe(0);
  expect(stdout).toMatch(/namespace {2}STRICT +shop\/default \(-:\d+\) +<- decides/);
  expect(stdout).toContain('refused: old/legacy, web/front');
});

test('a pasted line needs nothing else; quotes may be forgotten; a log may come through a pipe', async () => {
  const quoted = await explain(['NR filter_chain_not_found']);
  const bare = await explain(['NR', 'filter_chain_not_found']);
  const piped = await explain(['-'], 'all is well\nNR filter_chain_not_found\nmore\n');
  expect(quoted.code).toBe(0);
  expect(quoted.stdout).toContain('wrong side: the caller');
  expect(bare).toEqual(quoted);
  expect(piped).toEqual(quoted);
});

test('addresses in a line are looked up in what was read', async () => {
  const line =
    '[2026-11-24T02:13:43.483Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 2 - "-" "-" "-" "-" "-" - - 10.0.0.7:8080 10.0.0.5:50308 - -';
  const pods = `${readFileSync(join(folder, 'shop.yaml'), 'utf8')}
---
apiVersion: v1
kind: Pod
metadata: { name: probe, namespace: old, labels: { app: probe } }
spec: { containers: [{ name: probe }] }
status: { podIP: 10.0.0.5 }
---
apiVersion: v1
kind: Pod
metadata:
  name: cart-0
  namespace: shop
  labels: { app: cart, security.istio.io/tlsMode: istio }
  annotations: { sidecar.istio.io/status: '{}' }
spec: { containers: [{ name: cart, ports: [{ containerPort: 8080 }] }, { name: istio-proxy }] }
status: { podIP: 10.0.0.7 }
`;
  writeFileSync(join(folder, 'pods.yaml'), pods);
  const { code, stdout } = await explain([line, '-f', 'pods.yaml']);
  expect(code).toBe(0);
  expect(stdout).toContain('caller: 10.0.0.5, Pod old/probe');
  expect(stdout).toContain('called: 10.0.0.7:8080, Pod shop/cart-0');
  expect(stdout).toContain('× REFUSED');
});

test('a code of padlock check is explained by its page', async () => {
  const { code, stdout } = await explain(['pl011']);
  expect(code).toBe(0);
  expect(stdout).toBe(readFileSync(join(import.meta.dirname, '../docs/findings/PL011.md'), 'utf8'));
  expect((await explain(['PL999', '-f', 'shop.yaml'])).code).toBe(2);
});

test('what cannot be explained ends in another code than what can', async () => {
  const unknown = await explain(['the', 'weather', 'is', 'fine']);
  expect(unknown.code).toBe(3);
  expect(unknown.stdout).toContain('nothing that is known here');
  const nobody = await explain(['nobody', 'shop/cart:8000', '-f', 'shop.yaml']);
  expect(nobody).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('hint:') });
  expect((await explain([])).code).toBe(2);
  expect((await explain(['-'], '')).code).toBe(2);
  expect((await explain(['-', '-f', '-'], '')).code).toBe(2);
});
