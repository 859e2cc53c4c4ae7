/** Puts the lab's entries into a person's own kubeconfig, when that was asked, and takes them out again. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Document, isMap, isSeq, parseDocument } from 'yaml';
import { PadlockError } from '../../errors.ts';
import { type KubeconfigFacts, kubeconfigParts, kubeconfigText } from '../kubeconfig.ts';
import { errorCode } from '../net/socket-error.ts';
import { writePrivate } from './write-private.ts';

const lists = ['clusters', 'users', 'contexts'] as const;

/**
 * Adds cluster, user and context, in place of older ones of the same name. Everything else stays as it is, comments
 * and the current context included; a file that has none gets the lab's.
 * @throws PadlockError `KUBECONFIG_INVALID`, `FILE_NOT_WRITABLE`
 */
export function mergeKubeconfig(path: string, access: KubeconfigFacts): void {
  const document = read(path);
  if (document === undefined) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writePrivate(path, kubeconfigText(access));
    return;
  }
  const { cluster, user, context } = kubeconfigParts(access);
  removeEntries(document, access.name);
  const entries = { clusters: cluster, users: user, contexts: context };
  for (const list of lists) {
    const present = document.get(list);
    if (!isSeq(present)) document.set(list, document.createNode([]));
    document.addIn([list], document.createNode(entries[list]));
  }
  if ((document.get('current-context') ?? '') === '') document.set('current-context', access.name);
  writePrivate(path, document.toString({ lineWidth: 0 }));
}

/** Takes the entries of that name out again. A file that has gone is no mistake. */
export function unmergeKubeconfig(path: string, name: string): void {
  const document = read(path);
  if (document === undefined) return;
  removeEntries(document, name);
  if (document.get('current-context') === name) document.set('current-context', '');
  writePrivate(path, document.toString({ lineWidth: 0 }));
}

function read(path: string): Document | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new PadlockError('FILE_NOT_READABLE', `cannot read ${path}`, { cause });
  }
  const document = parseDocument(text);
  if (document.contents === null) return undefined;
  if (document.errors.length > 0 || !isMap(document.contents)) {
    throw new PadlockError('KUBECONFIG_INVALID', `${path} is not a kubeconfig`, {
      hint: 'leave --merge out, and use the file that the lab writes',
    });
  }
  return document;
}

function removeEntries(document: Document, name: string): void {
  for (const list of lists) {
    const sequence = document.get(list);
    if (!isSeq(sequence)) continue;
    sequence.items = sequence.items.filter((item) => !isMap(item) || item.get('name') !== name);
  }
}
