/** Which namespaces verify, certs and evidence mean, as they are named by position, by -n or not at all. */
import { expect, test } from 'vitest';
import { MemoryCluster } from '../sources/memory-cluster.ts';
import { namespacesMeant } from './proof-flags.ts';

const cluster = new MemoryCluster({});

test.each([
  ['by position', 'shop', {}, ['shop']],
  ['by -n, as kubectl takes it', undefined, { namespace: 'shop' }, ['shop']],
  ['twice, the same', 'shop', { namespace: 'shop' }, ['shop']],
  ['all of them', undefined, { allNamespaces: true }, undefined],
] as const)('%s', (_case, named, flags, meant) => {
  expect(namespacesMeant(named, { requestTimeout: 1000, ...flags }, cluster)).toEqual(meant);
});

test.each([
  ['two names', 'shop', { namespace: 'pay' }, /two namespaces/],
  ['all and one', undefined, { namespace: 'shop', allNamespaces: true }, /-A means all namespaces/],
] as const)('%s is a mistake', (_case, named, flags, sentence) => {
  expect(() => namespacesMeant(named, { requestTimeout: 1000, ...flags }, cluster)).toThrow(sentence);
});
