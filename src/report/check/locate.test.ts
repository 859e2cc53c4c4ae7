import fc from 'fast-check';
import { expect, test } from 'vitest';
import { locateField, sourceText } from './locate.ts';

const text = `# a comment
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: a
  labels:
    app.kubernetes.io/name: x
spec:
  portLevelMtls:
    8080:
      mode: DISABLE
---
apiVersion: v1
kind: List
items:
- kind: DestinationRule
  spec:
    subsets:
    - name: v1
    - name: v2
      trafficPolicy: { tls: { mode: SIMPLE } }
- kind: Service
  spec: {}
`;
const source = sourceText('a.yaml', text);
const at = (line: number, field?: string) => {
  const { excerpt, column, endColumn, line: found } = locateField(source, line, field);
  return { line: found, word: excerpt?.slice((column ?? 1) - 1, (endColumn ?? 1) - 1) };
};

test('a scalar field is its value, a block is its key', () => {
  expect(at(1, 'spec.portLevelMtls.8080.mode')).toEqual({ line: 11, word: 'DISABLE' });
  expect(at(1, 'spec.portLevelMtls')).toEqual({ line: 9, word: 'portLevelMtls' });
  expect(at(1, 'metadata.labels.app.kubernetes.io/name')).toEqual({ line: 7, word: 'x' });
});

test('a missing field is its nearest ancestor; without a field it is the first line that says something', () => {
  expect(at(1, 'spec.mtls.mode')).toEqual({ line: 8, word: 'spec' });
  expect(at(1).line).toBe(2);
  expect(at(1, 'nothing.at.all').line).toBe(2);
});

test('an item of a list is an object of its own', () => {
  expect(at(16, 'spec.subsets[1].trafficPolicy.tls.mode')).toEqual({ line: 21, word: 'SIMPLE' });
  expect(at(22, 'spec.subsets')).toEqual({ line: 23, word: 'spec' });
});

test('JSON has places too', () => {
  const json = sourceText('a.json', '{"spec":\n {"mtls": {"mode": "STRICT"}}}');
  expect(locateField(json, 1, 'spec.mtls.mode')).toMatchObject({ line: 2, column: 20, endColumn: 28 });
});

test('any text and any field end in a place inside the file', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 10 }),
      fc.nat(9),
      fc.string(),
      (lines, line, field) => {
        const start = Math.min(line + 1, lines.length);
        const place = locateField(
          sourceText('x', lines.map((text) => text.replace(/[\r\n]/g, '')).join('\n')),
          start,
          field,
        );
        expect(place.line).toBeGreaterThanOrEqual(start);
        expect(place.line).toBeLessThanOrEqual(lines.length);
      },
    ),
  );
});
