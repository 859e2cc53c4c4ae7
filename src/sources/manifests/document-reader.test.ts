import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PadlockError } from '../../errors.ts';
import { bytesSource } from './byte-source.ts';
import { type ReadDocument, readDocuments } from './document-reader.ts';
import { keepFields, wholeObjects } from './fields.ts';
import { readWithLibrary } from './library.ts';
import { UnknownAnchor } from './library-limits.ts';
import { mistakenYaml, printedYaml, punctuation } from './testing/yaml-text.ts';
import { whatIsRead } from './what-is-read.ts';
import { CarriageReturn, Window } from './window.ts';

type Outcome = { readonly values: readonly unknown[] } | { readonly error: string };

async function outcomeOf(read: () => Promise<readonly unknown[]> | readonly unknown[]): Promise<Outcome> {
  try {
    return { values: await read() };
  } catch (thrown) {
    if (thrown instanceof UnknownAnchor) return { error: thrown.error.message };
    if (thrown instanceof PadlockError) return { error: thrown.message };
    if (thrown instanceof CarriageReturn) return { error: 'CR' };
    throw thrown;
  }
}

async function documentsIn(text: string, filter = wholeObjects): Promise<readonly ReadDocument[]> {
  const documents: ReadDocument[] = [];
  await readDocuments(new Window(bytesSource(Buffer.from(text), 'text')), filter, (document) => {
    documents.push(document);
  });
  return documents;
}

/** Reads without the library: what the block reader is not sure about fails. */
async function withoutLibrary(text: string): Promise<readonly unknown[]> {
  const values: unknown[] = [];
  const take = ({ value }: ReadDocument) => values.push(value);
  await readDocuments(new Window(bytesSource(Buffer.from(text), 'text')), wholeObjects, take, () => {
    throw new Error('the block reader was not sure');
  });
  return values;
}

/**
 * Lists are refused without being read, a marker line ends a document even between quotes, and a directive begins one
 * even after the last `...`.
 */
function readersMayDiffer(text: string, library: Outcome): boolean {
  if (/^(?:---|\.\.\.)(?:\s|$)/m.test(text) && /['"]/.test(text)) return true;
  if (/^\.\.\./m.test(text) && /^%/m.test(text)) return true;
  const hasList = (value: unknown) =>
    Array.isArray(value) ||
    (typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items));
  return 'values' in library && library.values.some(hasList);
}

async function agree(generated: string): Promise<void> {
  // What a lone surrogate becomes in a file.
  const text = Buffer.from(generated).toString('utf8');
  const ours = await outcomeOf(async () => (await documentsIn(text)).map(({ value }) => value));
  const library = await outcomeOf(() =>
    readWithLibrary(text, { file: 'text', line: 1 })
      .map(({ value }) => value)
      .filter((value) => value !== null),
  );
  if ('error' in ours && (ours.error === 'CR' || readersMayDiffer(text, library))) return;
  if ('error' in library) expect(ours, library.error).toHaveProperty('error');
  else expect(ours).toEqual(library);
}

test('what a printer prints is read as the library reads it', async () => {
  await fc.assert(fc.asyncProperty(printedYaml, agree), { numRuns: 1500 });
});

test('printed text with small mistakes is read as the library reads it, or refused as it refuses it', async () => {
  await fc.assert(fc.asyncProperty(mistakenYaml, agree), { numRuns: 1500 });
});

test('mere punctuation is read as the library reads it, or refused as it refuses it', async () => {
  await fc.assert(fc.asyncProperty(punctuation, agree), { numRuns: 1500 });
});

test('text in the style of kubectl, PyYAML and JSON needs no library', async () => {
  const text = `# a comment
apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      'odd': 'it''s {"json": [1]}'
      folded: a text that is folded
        into two lines

        and a third
      quoted: "one \\"two\\" \\u00e9\\
        \\ three"
    labels: {app: web, "tier": 'front'}   # another comment
    name: web-1
  spec:
    containers:
    - args: ["a", b, -1, 2.5, [], {}]
      command:
      - |
        first

          second
      - |-
        third
      name: web
    - name: ""
  status: {}
kind: List
metadata:
  resourceVersion: ""
---
{"apiVersion": "v1",
\t"kind": "Pod", "metadata": {"name":"b"}, "spec": [true, null, 1e3]}
`;
  expect(await withoutLibrary(text)).toEqual(
    readWithLibrary(text, { file: 'text', line: 1 }).map(({ value }) => value),
  );
});

test('an item with an anchor is read by the library, and its neighbours are not', async () => {
  const item = (name: string, rest = '') =>
    `- apiVersion: v1\n  kind: Pod\n  metadata: {name: ${name}${rest}}\n`;
  const text = `apiVersion: v1\nkind: List\nitems:\n${item('a')}${item('b', ', labels: &l {x: z}, annotations: *l')}${item('c')}`;
  const [document] = await documentsIn(text, whatIsRead);
  expect(document?.itemLines).toEqual([4, 7, 10]);
  expect(document?.value).toMatchObject({
    items: [
      { metadata: { name: 'a' } },
      { metadata: { name: 'b', labels: { x: 'z' }, annotations: { x: 'z' } } },
      { metadata: { name: 'c' } },
    ],
  });
});

test('an alias to an anchor in an earlier item is found', async () => {
  const text = 'apiVersion: v1\nkind: List\nitems:\n- metadata: &m {name: a}\n- metadata: *m\n';
  const [document] = await documentsIn(text);
  expect(document?.value).toMatchObject({
    items: [{ metadata: { name: 'a' } }, { metadata: { name: 'a' } }],
  });
});

test('lines are counted over many documents and windows', async () => {
  const count = 40_000;
  const text = Array.from(
    { length: count },
    (_, index) => `---\n# comment\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-${index}\n`,
  ).join('');
  const documents = await documentsIn(text);
  expect(documents).toHaveLength(count);
  expect(documents.at(-1)).toEqual({
    value: { apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${count - 1}` } },
    line: (count - 1) * 6 + 3,
    itemLines: [],
  });
});

test('items longer than a window are read whole', async () => {
  const long = (char: string) => char.repeat(3_000_000);
  const item = (char: string) => `- apiVersion: v1\n  data: {x: ${long(char)}}\n  kind: ConfigMap\n`;
  const [document] = await documentsIn(`apiVersion: v1\nitems:\n${item('a')}${item('b')}kind: List\n`);
  expect(document?.itemLines).toEqual([3, 6]);
  expect(document?.value).toMatchObject({
    items: [{ data: { x: long('a') }, kind: 'ConfigMap' }, { data: { x: long('b') } }],
    kind: 'List',
  });
});

test('a field called __proto__ is a field and changes no prototype', async () => {
  const text = '__proto__: {polluted: true}\nconstructor: 1\ntoString: 2\n';
  const [document] = await documentsIn(text);
  expect(Object.keys(document?.value as object)).toEqual(['__proto__', 'constructor', 'toString']);
  expect(Object.getPrototypeOf(document?.value)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('what is thrown away while reading is what the filter throws away afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(printedYaml, async (content) => {
      const indented = content.replace(/^(?=.)/gm, '    ');
      const text = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  managedFields:\n${indented}spec:\n  volumes:\n${indented}  hostNetwork: true\n`;
      const whole = await outcomeOf(async () => (await documentsIn(text)).map(({ value }) => value));
      if ('error' in whole) return;
      const [kept] = await documentsIn(text, whatIsRead);
      expect(kept?.value).toEqual(keepFields(whole.values[0], whatIsRead));
      expect(kept?.value).toEqual({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a' },
        spec: { hostNetwork: true },
      });
    }),
    { numRuns: 300 },
  );
});
