/** Writes large JSON piece by piece, so that a mesh of a million edges needs neither one string nor one array. */
import type { Output } from './context.ts';

/** Characters gathered before a write: fewer system calls, still small against any pipe. */
const chunkSize = 1 << 16;

/** Gathers small pieces into chunks and waits for the stream at each. */
export class ChunkedWriter {
  readonly #output: Output;
  #pending = '';

  constructor(output: Output) {
    this.#output = output;
  }

  async write(text: string): Promise<void> {
    this.#pending += text;
    if (this.#pending.length >= chunkSize) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    if (text !== '') await this.#output.write(text);
  }
}

/** Writes `"name": [` and one row a line; the caller writes what stands around it. */
export async function writeRows(writer: ChunkedWriter, name: string, rows: Iterable<unknown>): Promise<void> {
  await writer.write(`  ${JSON.stringify(name)}: [`);
  let separator = '\n';
  for (const row of rows) {
    await writer.write(`${separator}    ${JSON.stringify(row)}`);
    separator = ',\n';
  }
  await writer.write(separator === '\n' ? ']' : '\n  ]');
}
