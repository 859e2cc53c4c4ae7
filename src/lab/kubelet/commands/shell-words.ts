/**
 * The little of a shell's language that `sh -c` has in the lab: simple commands, one after the other (`;`, `&&`,
 * `||`, newlines), `while true; do ...; done`, quotes, and variables of the environment. Everything else is refused in words. Pure.
 */
import type { Environment } from '../environment.ts';

export type Joint = 'always' | 'if-ok' | 'if-failed';

export type Step =
  | { readonly kind: 'command'; readonly words: readonly string[]; readonly joint: Joint }
  | { readonly kind: 'forever'; readonly body: readonly Step[]; readonly joint: Joint };

/** A script that the lab does not run, and why: a sentence for the person who wrote it. */
export class ShellRefusal extends Error {
  override readonly name = 'ShellRefusal';
}

type Token =
  | { readonly kind: 'word'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'joint'; readonly joint: Joint };

/** @throws ShellRefusal for what the lab's shell does not know. */
export function parseScript(script: string, env: Environment): readonly Step[] {
  const tokens = tokenize(script, env);
  const { steps, next } = parseSteps(tokens, 0, false);
  if (next < tokens.length) throw new ShellRefusal('"done" without "do"');
  return steps;
}

const refused: Readonly<Record<string, string>> = {
  '|': 'pipes',
  '&': 'background commands',
  '<': 'redirections',
  '>': 'redirections',
  '(': 'subshells',
  ')': 'subshells',
  '`': 'command substitution',
};

function tokenize(script: string, env: Environment): readonly Token[] {
  const tokens: Token[] = [];
  let word: string | undefined;
  let quoted = false;
  let index = 0;
  const endWord = (): void => {
    if (word !== undefined) tokens.push({ kind: 'word', text: word, quoted });
    word = undefined;
    quoted = false;
  };
  const joint = (kind: Joint): void => {
    endWord();
    tokens.push({ kind: 'joint', joint: kind });
  };
  while (index < script.length) {
    const two = script.slice(index, index + 2);
    const char = script[index] ?? '';
    if (two === '&&' || two === '||') {
      joint(two === '&&' ? 'if-ok' : 'if-failed');
      index += 2;
    } else if (char === ';' || char === '\n') {
      joint('always');
      index += 1;
    } else if (/\s/.test(char)) {
      endWord();
      index += 1;
    } else if (char === '#' && word === undefined) {
      index = endOfLine(script, index);
    } else if (char === "'") {
      const end = script.indexOf("'", index + 1);
      if (end === -1) throw new ShellRefusal('a quote is not closed');
      word = (word ?? '') + script.slice(index + 1, end);
      quoted = true;
      index = end + 1;
    } else if (char === '"') {
      const { text, next } = doubleQuoted(script, index + 1, env);
      word = (word ?? '') + text;
      quoted = true;
      index = next;
    } else if (char === '$') {
      const { text, next } = variable(script, index, env);
      word = (word ?? '') + text;
      index = next;
    } else if (char === '\\') {
      word = (word ?? '') + (script[index + 1] ?? '');
      index += 2;
    } else if (refused[char] !== undefined) {
      throw new ShellRefusal(`${refused[char]} ("${char}") are not supported`);
    } else {
      word = (word ?? '') + char;
      index += 1;
    }
  }
  endWord();
  return tokens;
}

function endOfLine(script: string, from: number): number {
  const end = script.indexOf('\n', from);
  return end === -1 ? script.length : end;
}

function doubleQuoted(script: string, from: number, env: Environment): { text: string; next: number } {
  let text = '';
  let index = from;
  while (index < script.length) {
    const char = script[index] ?? '';
    if (char === '"') return { text, next: index + 1 };
    if (char === '`') throw new ShellRefusal('command substitution ("`") is not supported');
    if (char === '\\' && /["\\$`\n]/.test(script[index + 1] ?? '')) {
      text += script[index + 1];
      index += 2;
    } else if (char === '$') {
      const found = variable(script, index, env);
      text += found.text;
      index = found.next;
    } else {
      text += char;
      index += 1;
    }
  }
  throw new ShellRefusal('a quote is not closed');
}

function variable(script: string, at: number, env: Environment): { text: string; next: number } {
  if (script[at + 1] === '(') throw new ShellRefusal('command substitution ("$(...)") is not supported');
  const match = /^\$(?:\{(\w+)\}|(\w+))/.exec(script.slice(at));
  if (match === null) {
    if (script[at + 1] === '{')
      throw new ShellRefusal('parameter expansion beyond "${NAME}" is not supported');
    return { text: '$', next: at + 1 };
  }
  return { text: env[match[1] ?? match[2] ?? ''] ?? '', next: at + match[0].length };
}

const keywords = ['if', 'for', 'until', 'case', 'function', '{', '!', 'then', 'else', 'fi', 'esac'];

/** Reads steps up to the end, or to `done` inside a loop. */
function parseSteps(
  tokens: readonly Token[],
  from: number,
  inLoop: boolean,
): { readonly steps: readonly Step[]; readonly next: number } {
  const steps: Step[] = [];
  let joint: Joint = 'always';
  let index = from;
  while (index < tokens.length) {
    const token = tokens[index];
    if (token === undefined) break;
    if (token.kind === 'joint') {
      joint = token.joint;
      index += 1;
      continue;
    }
    const keyword = token.quoted ? '' : token.text;
    if (keyword === 'done') {
      if (!inLoop) return { steps, next: index };
      return { steps, next: index + 1 };
    }
    if (keyword === 'while') {
      const { body, next } = parseLoop(tokens, index + 1);
      steps.push({ kind: 'forever', body, joint });
      index = next;
    } else if (keywords.includes(keyword)) {
      throw new ShellRefusal(`"${keyword}" is not supported`);
    } else {
      const words: string[] = [];
      while (tokens[index]?.kind === 'word') {
        const next = tokens[index];
        if (next?.kind === 'word') words.push(next.text);
        index += 1;
      }
      steps.push({ kind: 'command', words, joint });
    }
    joint = 'always';
  }
  if (inLoop) throw new ShellRefusal('"do" without "done"');
  return { steps, next: index };
}

/** `while true; do STEPS; done`, also `while :` and `while sleep N`, which runs before each turn. */
function parseLoop(
  tokens: readonly Token[],
  from: number,
): { readonly body: readonly Step[]; readonly next: number } {
  const condition: string[] = [];
  let index = from;
  for (; tokens[index]?.kind === 'word'; index += 1) {
    const token = tokens[index];
    if (token?.kind === 'word') condition.push(token.text);
  }
  while (tokens[index]?.kind === 'joint') index += 1;
  const word = tokens[index];
  if (word?.kind !== 'word' || word.text !== 'do') throw new ShellRefusal('"while" without "do"');
  const { steps, next } = parseSteps(tokens, index + 1, true);
  const always = condition.length === 1 && (condition[0] === 'true' || condition[0] === ':');
  if (always) return { body: steps, next };
  if (condition[0] !== 'sleep') throw new ShellRefusal('"while" is supported with "true" or "sleep N" only');
  return { body: [{ kind: 'command', words: condition, joint: 'always' }, ...steps], next };
}
