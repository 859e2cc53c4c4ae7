import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { createApi } from '../api/create-api.ts';
import { Store } from '../store/store.ts';
import { afterRestart } from './after-restart.ts';
import { openJournal } from './journal.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'padlock-data-'));
  file = join(folder, 'objects.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const object = (name: string, value: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a' },
  data: { value: String(value) },
});

test('whatever is written, and wherever the file is cut off, what was whole is read again', () => {
  const write = fc.record({ name: fc.constantFrom('x', 'y', 'z'), remove: fc.boolean(), value: fc.nat() });
  const property = fc.property(fc.array(write, { minLength: 1 }), fc.nat(), (writes, cut) => {
    rmSync(file, { force: true });
    const journal = openJournal(folder);
    const store = new Store<KubeObject>({ keep: (event) => journal.append(event) });
    const states = [store.list('configmaps')];
    for (const { name, remove, value } of writes) {
      if (remove) store.delete('configmaps', `a/${name}`, (previous) => previous);
      else store.put('configmaps', `a/${name}`, () => object(name, value));
      states.push(store.list('configmaps'));
    }
    journal.close();
    const text = readFileSync(file, 'utf8');
    const head = text.indexOf('\n') + 1;
    truncateSync(file, Math.max(head, Buffer.byteLength(text) - (cut % 80)));
    const again = openJournal(folder);
    again.close();
    const found = again.objects.map(({ key, object: kept }) => ({ key, object: kept }));
    found.sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(states).toContainEqual(found);
    if (cut % 80 === 0) {
      expect(found).toEqual(store.list('configmaps'));
      expect(again.revision ?? 1).toBe(store.revision);
      const third = openJournal(folder);
      third.close();
      expect(third.revision).toBe(again.revision);
    }
  });
  fc.assert(property, { numRuns: 60 });
});

test('a file that is not a lab’s is left alone, with the line that tells', () => {
  writeFileSync(file, '{"some":"json"}\n');
  expect(() => openJournal(folder)).toThrow(/objects.jsonl, line 1: this is not what a lab writes/);
  expect(readFileSync(file, 'utf8')).toBe('{"some":"json"}\n');
  rmSync(file);
  openJournal(folder).close();
  appendFileSync(file, '{"revision":2,"resource":"pods","key":"a","object":{"no":"kind"}}\n');
  expect(() => openJournal(folder)).toThrow(/line 2/);
});

test('an API begins where the last one ended, with its CRDs, and without what ran', () => {
  const journal = openJournal(folder);
  const first = createApi({ kept: journal });
  first.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }, 'test');
  for (const name of ['stays', 'done', 'lost']) {
    const spec = { nodeName: name === 'lost' ? 'gone' : 'here', containers: [{ name: 'c', image: 'x' }] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'a' }, spec };
    const status = { phase: name === 'done' ? 'Succeeded' : 'Running', podIP: '10.0.0.1' };
    first.updateStatus('pods', { ...first.create('pods', pod, 'test'), status }, 'kubelet');
  }
  journal.close();
  const again = openJournal(folder);
  const second = createApi({
    kept: { ...again, objects: afterRestart(again.objects, new Set(['here'])) },
  });
  again.close();
  expect(second.engine.store.revision).toBe(first.engine.store.revision);
  expect(second.list('customresourcedefinitions.apiextensions.k8s.io')).toEqual(
    first.list('customresourcedefinitions.apiextensions.k8s.io'),
  );
  expect(second.engine.registry.byName('peerauthentications.security.istio.io')).toBeDefined();
  expect(second.get('namespaces', undefined, 'a')).toEqual(first.get('namespaces', undefined, 'a'));
  expect(second.get('pods', 'a', 'stays')?.status).toEqual({
    phase: 'Pending',
    qosClass: undefined,
    conditions: [],
  });
  expect(second.get('pods', 'a', 'done')?.status).toMatchObject({ phase: 'Succeeded' });
  expect(second.get('pods', 'a', 'lost')).toBeUndefined();
});
