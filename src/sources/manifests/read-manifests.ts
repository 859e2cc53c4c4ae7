/** Files, directories and standard input as a Snapshot: what `-f` takes. */
import { PadlockError } from '../../errors.ts';
import type { Snapshot, SnapshotObject } from '../../mesh/snapshot.ts';
import { isSavedSnapshot, parseSavedSnapshot } from '../saved-snapshot.ts';
import { type ByteSource, bytesSource, fileSource, wholeOf } from './byte-source.ts';
import { readDocuments } from './document-reader.ts';
import type { FieldFilter } from './fields.ts';
import { inputFiles } from './input-files.ts';
import { objectsOf } from './objects.ts';
import { whatIsRead } from './what-is-read.ts';
import { CarriageReturn, Window } from './window.ts';

export interface ManifestEffects {
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** The whole of standard input; asked for at most once. */
  stdin(): Promise<Uint8Array | string>;
}

export interface ReadOptions {
  /** Which fields to keep; `whatIsRead` when absent. */
  readonly keep?: FieldFilter;
}

/**
 * Reads manifests and saved snapshots. A path is a file, a directory, or `-` for standard input; a file holds YAML, JSON
 * or either of them gzipped, any number of documents, lists unpacked. Secrets are left out.
 * @throws PadlockError `FILE_NOT_READABLE`, `YAML_SYNTAX`, `INPUT_TOO_LARGE`, `INPUT_INVALID` (also where there is no
 *   document at all), with file and line where there is one
 */
export async function readManifests(
  paths: readonly string[],
  effects: ManifestEffects,
  options: ReadOptions = {},
): Promise<Snapshot> {
  const parts: ReadSource[] = [];
  let standardInput: Promise<Uint8Array> | undefined;
  for (const path of new Set(paths)) {
    if (path === '-') {
      standardInput ??= effects.stdin().then(bytesOf);
      parts.push(await readSource(bytesSource(await standardInput, '-'), options));
      continue;
    }
    for (const file of inputFiles(path, effects.cwd)) {
      parts.push(await readSource(fileSource(file.path, file.name), options));
    }
  }
  const source = paths.join(', ');
  if (parts.every((part) => part.documents === 0)) {
    throw new PadlockError('INPUT_INVALID', `there is no Kubernetes object in ${source}`, {
      ...(paths.includes('-')
        ? { hint: 'standard input was empty: look at the command before the pipe' }
        : {}),
    });
  }
  return joined(
    parts.map((part) => part.snapshot),
    source,
  );
}

/** A manifest that is in memory already, with the name that findings and errors give it. */
export interface ManifestText {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The same for texts in memory: the files of a Git revision. Texts without any object are no mistake here.
 * @throws PadlockError `YAML_SYNTAX`, `INPUT_INVALID`
 */
export async function readManifestTexts(
  texts: readonly ManifestText[],
  source: string,
  options: ReadOptions = {},
): Promise<Snapshot> {
  const parts: Snapshot[] = [];
  for (const { name, bytes } of texts) {
    parts.push((await readSource(bytesSource(Buffer.from(bytes), name), options)).snapshot);
  }
  return { ...joined(parts, source), source };
}

interface ReadSource {
  readonly snapshot: Snapshot;
  /** How many documents there were, empty ones left out; a list without items is one. */
  readonly documents: number;
}

function bytesOf(input: Uint8Array | string): Uint8Array {
  return typeof input === 'string' ? Buffer.from(input, 'utf8') : input;
}

async function readSource(source: ByteSource, options: ReadOptions): Promise<ReadSource> {
  try {
    return await readText(withoutByteOrderMark(source), options);
  } catch (thrown) {
    if (!(thrown instanceof CarriageReturn)) throw thrown;
    return await readText(bytesSource(oneKindOfLineBreak(wholeOf(source)), source.name), options);
  } finally {
    source.close();
  }
}

async function readText(source: ByteSource, options: ReadOptions): Promise<ReadSource> {
  const objects: SnapshotObject[] = [];
  const saved: Snapshot[] = [];
  let documents = 0;
  await readDocuments(new Window(source), options.keep ?? whatIsRead, (document) => {
    documents++;
    if (isSavedSnapshot(document.value)) saved.push(parseSavedSnapshot(document.value, source.name));
    else for (const object of objectsOf(document, source.name)) objects.push(object);
  });
  const own = { source: source.name, objects, unseen: [] };
  const snapshot =
    saved.length === 0 ? own : joined(objects.length === 0 ? saved : [own, ...saved], source.name);
  return { snapshot, documents };
}

/** One snapshot of several; the earliest moment counts, because nothing younger is known about all of them. */
function joined(parts: readonly Snapshot[], source: string): Snapshot {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const moments = parts.flatMap((part) => (part.takenAt === undefined ? [] : [part.takenAt])).sort();
  return {
    source,
    ...(moments[0] === undefined ? {} : { takenAt: moments[0] }),
    objects: parts.flatMap((part) => part.objects),
    unseen: parts.flatMap((part) => part.unseen),
  };
}

/** UTF-8 with a byte order mark, and UTF-16, which Windows' shells write, as plain UTF-8. */
function withoutByteOrderMark(source: ByteSource): ByteSource {
  const start = new Uint8Array(3);
  source.read(start, 0);
  const [first, second, third] = start;
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return { ...source, read: (target, offset) => source.read(target, offset + 3) };
  }
  const wide =
    first === 0xff && second === 0xfe
      ? 'utf-16le'
      : first === 0xfe && second === 0xff
        ? 'utf-16be'
        : undefined;
  if (wide === undefined) return source;
  return bytesSource(Buffer.from(new TextDecoder(wide).decode(wholeOf(source)), 'utf8'), source.name);
}

/** CR LF and CR as LF: YAML makes no difference between them (YAML 1.2, 5.4). */
function oneKindOfLineBreak(bytes: Buffer): Buffer {
  let to = 0;
  for (let from = 0; from < bytes.length; from++) {
    const byte = bytes[from] ?? 0;
    if (byte !== 0x0d) bytes[to++] = byte;
    else if (bytes[from + 1] !== 0x0a) bytes[to++] = 0x0a;
  }
  return bytes.subarray(0, to);
}
