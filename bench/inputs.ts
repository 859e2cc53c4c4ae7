/** Writes the inputs of a benchmark, each once: the same name always holds the same bytes. */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { printDocument, printList } from './block-yaml.ts';
import { meshObjects, type PodStyle } from './mesh-objects.ts';

/** `documents`: one after the other. `list`: one List, as kubectl prints it. `json`: one JSON List, as `-o json` prints it. */
export type InputForm = 'documents' | 'list' | 'json';

export interface BenchInput {
  readonly file: string;
  readonly pods: number;
  readonly style: PodStyle;
  readonly form: InputForm;
  readonly bytes: number;
}

/** Part of the file names: a change of the generator makes new files. */
const generation = 1;

export function benchInput(folder: string, pods: number, style: PodStyle, form: InputForm): BenchInput {
  mkdirSync(folder, { recursive: true });
  const extension = form === 'json' ? 'json' : 'yaml';
  const file = join(folder, `mesh-v${generation}-${pods}-${style}-${form}.${extension}`);
  if (!existsSync(file)) write(file, texts(pods, style, form));
  return { file, pods, style, form, bytes: statSync(file).size };
}

function* texts(pods: number, style: PodStyle, form: InputForm): Generator<string> {
  const objects = meshObjects(pods, style);
  if (form === 'list') yield* printList(objects);
  else if (form === 'json') {
    let separator = '{"apiVersion":"v1","kind":"List","items":[\n';
    for (const object of objects) {
      yield separator + JSON.stringify(object, undefined, 4);
      separator = ',\n';
    }
    yield ']}\n';
  } else for (const object of objects) yield `---\n${printDocument(object)}`;
}

function write(file: string, parts: Iterable<string>): void {
  const unfinished = `${file}.part`;
  const descriptor = openSync(unfinished, 'w');
  let pending = '';
  for (const part of parts) {
    pending += part;
    if (pending.length < 1 << 20) continue;
    writeSync(descriptor, pending);
    pending = '';
  }
  writeSync(descriptor, pending);
  closeSync(descriptor);
  renameSync(unfinished, file);
}
