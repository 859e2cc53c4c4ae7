/** The answers of a real server, kept in a file: the lab is held to them also where no real server can be built. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(import.meta.dirname, 'testdata', 'answers.txt');

export interface Recorded {
  /** `1.36.3` */
  readonly server: string;
  /** Minor version of the kubectl that asked: its own words change from one to the next. */
  readonly kubectl: string;
  readonly answers: ReadonlyMap<string, string>;
}

export function readAnswers(): Recorded {
  const [head = '', ...blocks] = readFileSync(file, 'utf8').split(/^### /m);
  const [, server = '', kubectl = ''] = /server (\S+), kubectl (\S+)/.exec(head) ?? [];
  const answers = blocks.map((block): [string, string] => {
    const end = block.indexOf('\n');
    return [block.slice(0, end), block.slice(end + 1).trim()];
  });
  return { server, kubectl, answers: new Map(answers) };
}

export function recordAnswers(answers: ReadonlyMap<string, string>, server: string): void {
  const head = `Answers of server ${server}, kubectl ${kubectlMinor()} (npm run test:kubernetes -- --record).\n`;
  const text = [...answers].map(([name, answer]) => `### ${name}\n${answer}\n`).join('\n');
  writeFileSync(file, `${head}\n${text}`);
}

/** `1.32` */
export function kubectlMinor(): string {
  const version = execFileSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  return /Client Version: v(\d+\.\d+)/.exec(version)?.[1] ?? 'unknown';
}
