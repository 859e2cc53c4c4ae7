/** What kubectl users type, what is mistyped, and the help of every command, in this process: nothing is connected to. */
import { expect, test } from 'vitest';
import { parseLabelQuery } from '../istio/label-query.ts';
import { MemoryCluster } from '../sources/memory-cluster.ts';
import { namespaceNotFound } from '../sources/namespace-not-found.ts';
import { asPadlockWords } from './kubectl-words.ts';
import { runPadlock } from './run.ts';
import { recordedContext } from './testing/recorded-context.ts';

test.each([
  ['plan -n shop', 'plan shop'],
  ['secure --dry-run --namespace=shop -o json', 'secure shop --dry-run -o json'],
  ['rollout status -nshop', 'rollout status shop'],
  ['guard install shop -n shop', 'guard install shop'],
  ['plan -n', 'plan -n'],
  ['plan -- -n shop', 'plan -- -n shop'],
  ['verify -n shop', 'verify -n shop'],
  ['posture -ojson -fk8s/', 'posture -o json -f k8s/'],
  ['help guard install', 'guard install --help'],
  ['version', '--version'],
])('%s is %s', (typed, meant) => {
  expect(asPadlockWords(typed.split(' ')).words).toEqual(meant.split(' '));
});

async function run(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const recorded = recordedContext(new MemoryCluster({}), '2027-01-01T00:00:00Z');
  const context = Object.assign(recorded, {
    process: {
      stdout: {
        write: (text: string) => {
          out += text;
        },
      },
      stderr: {
        write: (text: string) => {
          err += text;
        },
      },
    },
  });
  const style = { color: false, debug: false, excerpt: () => undefined, columns: 80 };
  return { code: await runPadlock(words, context, style), out, err };
}

/** The commands that a help lists, and theirs, down to the leaves. */
async function helps(path: readonly string[]): Promise<readonly (readonly [string, string])[]> {
  const { out, code } = await run(...path, '--help');
  expect(code).toBe(0);
  const listed = out.split('COMMANDS\n')[1]?.split('\n\n')[0] ?? '';
  const names = [...listed.matchAll(/^ {2}(\S+)/gm)].map((match) => match[1] ?? '');
  const below = await Promise.all(names.map((name) => helps([...path, name])));
  return [[path.join(' '), out], ...below.flat()];
}

test('the help of every command, and of theirs, fits 80 columns and says how to use it', async () => {
  const all = await helps([]);
  expect(all.map(([name]) => name)).toEqual(expect.arrayContaining(['posture', 'evidence verify', 'lab up']));
  for (const [name, help] of all) {
    expect(help, name).toContain('USAGE');
    expect(
      help.split('\n').filter((line) => [...line].length > 80),
      `padlock ${name} --help`,
    ).toEqual([]);
  }
});

test('wrong usage ends with one hint, which names the command', async () => {
  expect((await run('guard', 'instal')).err).toBe(
    'error: unknown command "instal"; did you mean `install`?\nhint: `padlock guard --help` shows what can be given\n',
  );
  expect((await run('--context', 'x', 'check')).err).toContain('--context comes before the command');
  expect((await run('plan', '--window')).err).toMatch(/--window needs a value\nhint: `padlock plan --help`/);
});

test('a namespace that is not there is told with the one that is near, else with those that there are', () => {
  const hint = (name: string, known: readonly string[]): string | undefined =>
    namespaceNotFound(name, known).hint;
  expect(hint('shpo', ['shop', 'pay'])).toBe('did you mean shop?');
  expect(hint('secure', ['shop', 'secure-apps'])).toBe('did you mean secure-apps?');
  expect(hint('x', ['shop', 'kube-system', 'pay'])).toBe('there are: pay, shop');
  const many = Array.from({ length: 12 }, (_, index) => `space-${index + 10}`);
  expect(hint('x', many)).toMatch(/^there are: space-10, .*space-19 and 2 more$/);
});

test.each([
  ['app=web', true],
  ['app==web,tier!=db', true],
  ['app in (api, web),!canary', true],
  ['app notin (web)', false],
  ['example.com/tier', true],
  ['!example.com/tier', false],
  ['missing!=anything', true],
])('labels: %s', (text, matches) => {
  expect(parseLabelQuery(text)?.({ app: 'web', 'example.com/tier': 'front' })).toBe(matches);
});

test.each(['', '==', 'a b', 'app in web', 'app in (a', '-a=b'])('"%s" is no selector', (text) => {
  expect(parseLabelQuery(text)).toBeUndefined();
});
