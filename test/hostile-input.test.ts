/** Files that are made to hurt: every command that takes -f says what is wrong and where, and is done soon. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, padlock } from './built.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-hostile-'));
beforeAll(ensureBuilt, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const commands: readonly (readonly [name: string, words: (file: string) => readonly string[]])[] = [
  ['posture', (file) => ['posture', '-f', file]],
  ['check', (file) => ['check', '-f', file]],
  ['explain', (file) => ['explain', 'outside', 'shop/cart:80', '-f', file]],
  ['diff', (file) => ['diff', file, file]],
  ['snapshot', (file) => ['snapshot', '-f', file, '-o', `${file}.saved.json`]],
];

const laughs = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
for (let level = 1; level < 12; level++)
  laughs.push(
    `a${level}: &a${level} [${Array(9)
      .fill(`*a${level - 1}`)
      .join(', ')}]`,
  );

/** What is wrong, the text, and what the message must say; a place in the file where the text has one. */
const refused: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  [
    'a billion laughs',
    `apiVersion: v1\nkind: Pod\nmetadata: { name: x }\n${laughs.join('\n')}\n`,
    /bomb\.yaml|x\.yaml:\d+:\d+: /,
  ],
  [
    'an anchor within itself',
    'apiVersion: v1\nkind: Pod\nmetadata: &m { name: x, labels: *m }\n',
    /x\.yaml:\d+:\d+: /,
  ],
  ['a list, not an object', '- 1\n- 2\n', /x\.yaml:1:1: this is a list/],
  [
    'a name that is a map',
    'apiVersion: v1\nkind: Pod\nmetadata: { name: { toString: 1 } }\n',
    /x\.yaml:1:1: the name of this Pod is a map/,
  ],
  [
    'a namespace that is a number',
    'apiVersion: v1\nkind: Pod\nmetadata: { name: x, namespace: 7 }\n',
    /x\.yaml:1:1: the namespace of this Pod is a number/,
  ],
  [
    'a kind that is a map',
    'apiVersion: v1\nkind: { a: 1 }\nmetadata: { name: x }\n',
    /x\.yaml:1:1: kind is a map/,
  ],
  [
    'two values for one key',
    'apiVersion: v1\nkind: Pod\nkind: Service\nmetadata: { name: x }\n',
    /x\.yaml:\d+:\d+: /,
  ],
  [
    'a bracket that is never closed',
    'apiVersion: v1\nkind: Pod\nmetadata: { name: [x\n',
    /x\.yaml:\d+:\d+: /,
  ],
  ['no text at all', '\u0000\u0001\u0002', /x\.yaml/],
  ['nothing', '', /no Kubernetes object/],
  [
    'ten thousand brackets',
    `apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: ${'['.repeat(10_000)}\n`,
    /x\.yaml:\d+/,
  ],
];

/** All commands read by the same code; the first texts of a table show that, the others are left to one of them. */
const asked = (what: string, table: readonly (readonly [what: string, ...rest: unknown[]])[]) =>
  table.findIndex(([other]) => other === what) < 2 ? commands : commands.filter(([name]) => name === 'check');

test.each(refused)(
  '%s: exit code 2, the place, no stack',
  async (what = '', text = '', says = /^/) => {
    writeFileSync(join(folder, 'x.yaml'), text);
    const used = asked(what, refused);
    const results = await Promise.all(used.map(([, words]) => padlock(words('x.yaml'), { cwd: folder })));
    for (const [index, { code, stderr }] of results.entries()) {
      expect({ command: used[index]?.[0], code }).toEqual({ command: used[index]?.[0], code: 2 });
      expect(stderr).toMatch(says);
      expect(stderr).not.toMatch(/bug in Padlock|\n {4}at /);
    }
  },
  60_000,
);

/** Odd, and no reason to stop: the rest of the file counts. */
const sound = `---
apiVersion: v1
kind: Pod
metadata: { name: cart, namespace: shop, labels: { app: cart } }
spec: { containers: [{ name: app, ports: [{ containerPort: 8080 }] }] }
status: { podIP: 10.0.0.1 }
---
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec: { selector: { app: cart }, ports: [{ port: 80, targetPort: 8080 }] }
`;
const accepted: readonly (readonly [what: string, text: string])[] = [
  [
    'unknown kinds',
    `apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: w }\nspec: { a: [1, { b: null }] }\n${sound}`,
  ],
  [
    'wrong types in every field of a policy',
    `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: p, namespace: shop, labels: 7, annotations: [] }\nspec: { selector: 3, mtls: [], portLevelMtls: { x: 1 } }\n${sound}`,
  ],
  ['a namespace that no object declares', sound],
  [
    'a secret, which is not kept',
    `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: aHVudGVyMg== }\n${sound}`,
  ],
  ['a line of a million letters', `# ${'x'.repeat(1_000_000)}\n${sound}`],
];

test.each(accepted)(
  '%s: read, and the rest of the file with it',
  async (what = '', text = '') => {
    writeFileSync(join(folder, 'y.yaml'), text);
    const used = asked(what, accepted);
    const results = await Promise.all(used.map(([, words]) => padlock(words('y.yaml'), { cwd: folder })));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      const [name] = used[index] ?? [''];
      expect({ name, stderr }).toEqual({ name, stderr: name === 'snapshot' ? expect.any(String) : '' });
      expect({ name, code }).toEqual({
        name,
        code: name === 'check' ? expect.toSatisfy((value) => value === 0 || value === 1) : 0,
      });
      expect(stdout).not.toContain('hunter2');
    }
  },
  60_000,
);
