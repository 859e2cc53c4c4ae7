/**
 * The lab's objects on disk: one file of JSON lines, a snapshot followed by every write since. A line is written in one
 * piece before the writer hears of its success, so a killed lab loses nothing that it has acknowledged; a last line
 * that was cut off was not acknowledged, and is left out.
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { isObject, toKubeObject } from '../api/json.ts';
import { errorCode } from '../net/socket-error.ts';
import type { StoredObject, StoreEvent } from '../store/store.ts';

const version = 1;
/** Lines beyond the objects that live, before the file is written anew. */
const slack = 20_000;

export interface Journal {
  /** The revision of the last write, undefined where the folder was new. */
  readonly revision: number | undefined;
  readonly objects: readonly StoredObject<KubeObject>[];
  /** Writes an event down. @throws PadlockError `FILE_NOT_WRITABLE`: a disk that is full */
  append(event: StoreEvent<KubeObject>): void;
  /** What is written afterwards, while the lab ends, is lost. */
  close(): void;
}

interface Entry {
  readonly revision: number;
  readonly resource: string;
  readonly key: string;
  readonly object: KubeObject | undefined;
}

/**
 * Reads what a folder holds and opens it for writing.
 * @throws PadlockError `FILE_NOT_READABLE`, `FILE_NOT_WRITABLE`, or `INPUT_INVALID` for a file that is not the lab's
 */
export function openJournal(folder: string): Journal {
  const file = join(folder, 'objects.jsonl');
  const { entries, revision } = readWhole(file);
  const live = new Map<string, Entry>();
  for (const entry of entries) {
    const id = idOf(entry.resource, entry.key);
    if (entry.object === undefined) live.delete(id);
    else live.set(id, entry);
  }
  let lines = live.size;
  /** After a try that found no room. */
  let tidyAt = 0;
  let isClosed = false;
  let open = writeAnew(file, live.values(), revision);
  return {
    revision,
    objects: [...live.values()].flatMap(({ resource, key, object }) =>
      object === undefined ? [] : [{ resource, key, object }],
    ),
    append({ revision: at, resource, key, type, object }) {
      if (isClosed) return;
      const entry = { revision: at, resource, key, object: type === 'DELETED' ? undefined : object };
      open.append(JSON.stringify(entry));
      const id = idOf(resource, key);
      if (entry.object === undefined) live.delete(id);
      else live.set(id, entry);
      lines += 1;
      if (lines < Math.max(live.size * 2 + slack, tidyAt)) return;
      try {
        const before = open;
        open = writeAnew(file, live.values(), at);
        before.close();
        lines = live.size;
        tidyAt = 0;
      } catch (error) {
        if (!(error instanceof PadlockError)) throw error;
        // What was asked for is written, and the long file is whole: a shorter one may find room later.
        tidyAt = lines + slack;
      }
    },
    close() {
      isClosed = true;
      open.close();
    },
  };
}

function idOf(resource: string, key: string): string {
  return `${resource} ${key}`;
}

/** A new file beside the old one, then in its place: there is always a whole one. @returns it, open for appending */
function writeAnew(file: string, live: Iterable<Entry>, revision: number | undefined): LineFile {
  const draft = `${file}.new`;
  let made: LineFile | undefined;
  try {
    made = new LineFile(file, openSync(draft, 'w', 0o600));
    made.append(JSON.stringify({ padlock: 'lab', version, revision: revision ?? 0 }));
    for (const entry of live) made.append(JSON.stringify(entry));
    made.flush();
    renameSync(draft, file);
    return made;
  } catch (cause) {
    made?.close();
    rmSync(draft, { force: true });
    if (cause instanceof PadlockError) throw cause;
    throw notWritable(file, cause);
  }
}

function notWritable(file: string, cause: unknown): PadlockError {
  const why = errorCode(cause) === 'ENOSPC' ? ': the disk is full' : '';
  return new PadlockError('FILE_NOT_WRITABLE', `cannot write ${file}${why}`, { cause });
}

/** A file that grows by whole lines: one that does not fit is taken back, so that the next one follows a newline. */
class LineFile {
  readonly #file: string;
  readonly #descriptor: number;
  #size = 0;

  constructor(file: string, descriptor: number) {
    this.#file = file;
    this.#descriptor = descriptor;
  }

  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    try {
      // A disk that is nearly full takes the first part and says nothing.
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#size + done);
    } catch (cause) {
      ftruncateSync(this.#descriptor, this.#size);
      throw notWritable(this.#file, cause);
    }
    this.#size += bytes.length;
  }

  flush(): void {
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

interface Whole {
  readonly entries: readonly Entry[];
  readonly revision: number | undefined;
}

function readWhole(file: string): Whole {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return { entries: [], revision: undefined };
    throw new PadlockError('FILE_NOT_READABLE', `cannot read ${file}`, { cause });
  }
  const lines = text.split('\n');
  // What follows the last newline was cut off while it was written.
  lines.pop();
  const [head, ...rest] = lines.map((line, index) => parseLine(file, line, index + 1));
  if (!isObject(head) || head.padlock !== 'lab' || head.version !== version) {
    throw notOurs(file, 1);
  }
  const started = typeof head.revision === 'number' ? head.revision : 0;
  const entries = rest.map((value, index) => entryOf(file, value, index + 2));
  // A snapshot's lines carry the revisions of their objects; its head has that of the moment.
  const newest = entries.reduce((most, entry) => Math.max(most, entry.revision), started);
  return { entries, revision: newest === 0 ? undefined : newest };
}

function parseLine(file: string, line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw notOurs(file, number, cause);
    throw cause;
  }
}

function entryOf(file: string, value: unknown, number: number): Entry {
  if (!isObject(value)) throw notOurs(file, number);
  const { revision, resource, key, object } = value;
  if (typeof revision !== 'number' || typeof resource !== 'string' || typeof key !== 'string') {
    throw notOurs(file, number);
  }
  if (object === undefined) return { revision, resource, key, object };
  try {
    return { revision, resource, key, object: toKubeObject(isObject(object) ? object : {}) };
  } catch (cause) {
    throw notOurs(file, number, cause);
  }
}

function notOurs(file: string, line: number, cause?: unknown): PadlockError {
  return new PadlockError('INPUT_INVALID', `${file}, line ${line}: this is not what a lab writes`, {
    hint: 'name another folder, or remove this one to begin anew',
    cause,
  });
}
