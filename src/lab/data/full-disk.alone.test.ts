/** A disk that takes the first part of a line and then is full: nothing that was answered is lost, and nothing that was refused is kept. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { Store } from '../store/store.ts';
import { openJournal } from './journal.ts';

const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  return {
    ...real,
    writeSync: (descriptor: number, bytes: Buffer, from: number, length: number, at: number): number => {
      if (disk.room === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      const taken = real.writeSync(descriptor, bytes, from, Math.min(length, disk.room), at);
      disk.room -= taken;
      return taken;
    },
  };
});

let folder: string;
beforeEach(() => {
  disk.room = Number.POSITIVE_INFINITY;
  folder = mkdtempSync(join(tmpdir(), 'padlock-full-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const object = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a' },
});

test('a write that does not fit is refused whole, and the next one that fits stands', () => {
  const journal = openJournal(folder);
  const store = new Store<KubeObject>({ keep: (event) => journal.append(event) });
  const seen: string[] = [];
  store.subscribe(({ key }) => seen.push(key));
  const put = (name: string): KubeObject => store.put('configmaps', `a/${name}`, () => object(name));
  put('first');
  const { revision } = store;
  for (const room of [0, 1, 40]) {
    disk.room = room;
    expect(() => put('second')).toThrow('objects.jsonl: the disk is full');
    expect(() => store.delete('configmaps', 'a/first', (previous) => previous)).toThrow('the disk is full');
  }
  expect(store.revision).toBe(revision);
  disk.room = Number.POSITIVE_INFINITY;
  put('third');
  expect(seen).toEqual(['a/first', 'a/third']);
  journal.close();
  expect(readFileSync(join(folder, 'objects.jsonl'), 'utf8').split('\n')).toHaveLength(4);
  const again = openJournal(folder);
  again.close();
  expect(again.objects.map(({ key }) => key)).toEqual(['a/first', 'a/third']);
  expect(again.revision).toBe(store.revision);
});

test('a folder without room for the whole file keeps the old one', () => {
  const journal = openJournal(folder);
  journal.append({ revision: 2, resource: 'configmaps', key: 'a/x', type: 'ADDED', object: object('x') });
  journal.close();
  const before = readFileSync(join(folder, 'objects.jsonl'), 'utf8');
  disk.room = 60;
  expect(() => openJournal(folder)).toThrow('the disk is full');
  expect(readFileSync(join(folder, 'objects.jsonl'), 'utf8')).toBe(before);
});
