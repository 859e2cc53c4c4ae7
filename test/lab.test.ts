/** `padlock lab` as a user meets it, with everything that may go wrong. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureBuilt, padlock, type Result, type RunOptions } from './built.ts';

const root = mkdtempSync(join(tmpdir(), 'padlock-lab-commands-'));
let home: string;
let folder: string;

beforeAll(ensureBuilt, 120_000);
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
  folder = join(home, '.local/state/padlock/lab/lab');
});
afterEach(async () => {
  rmSync(join(folder, 'starting'), { force: true });
  const { code, stderr } = await lab(['down']);
  if (code !== 0 && !stderr.includes('not a state file')) throw new Error(stderr);
});
afterAll(() => rmSync(root, { recursive: true }));

function lab(words: readonly string[], options: RunOptions = {}): Promise<Result> {
  return padlock(['lab', ...words], { cwd: home, ...options, env: { HOME: home, ...options.env } });
}

function expectMistake(result: Result, sentence: RegExp, hint: RegExp): void {
  expect(result.stderr).toMatch(new RegExp(`^error: .*${sentence.source}`, 'm'));
  expect(result.stderr).toMatch(new RegExp(`^hint: .*${hint.source}`, 'm'));
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result.stdout).toBe('');
  expect(result.code).toBe(2);
}

async function status(): Promise<Record<string, unknown>> {
  return JSON.parse((await lab(['status', '-o', 'json'])).stdout);
}

/** Ends the lab's process without a word, as a crash or the machine's power does. */
async function crash(): Promise<void> {
  const pid = Number((await status()).pid);
  process.kill(pid, 'SIGKILL');
  while ((await status()).state === 'running');
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('up, status, a second up, down', async () => {
  const kubeconfig = join(folder, 'kubeconfig');
  const up = await lab(['up', '--nodes', '3']);
  expect(up.stdout).toBe(`export KUBECONFIG=${kubeconfig}\n`);
  expect(up.stderr).toMatch(/^Lab "lab" is up on https:\/\/127\.0\.0\.1:\d+, with 3 nodes and Istio\.$/m);
  expect(up.code).toBe(0);
  expect([mode(folder), mode(kubeconfig), mode(join(folder, 'state.json'))]).toEqual(['700', '600', '600']);

  const running = await lab(['status']);
  expect(running.stdout).toContain('Lab "lab" is up for');
  expect(running.stdout).toContain(up.stdout);
  expect(running.code).toBe(0);
  const secret: string = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')).control.secret;
  expect(await status()).toMatchObject({ name: 'lab', state: 'running', nodes: 3, context: 'padlock-lab' });
  expect((await lab(['status', '-o', 'json'])).stdout).not.toContain(secret);

  expectMistake(await lab(['up']), /lab "lab" is already running/, /padlock lab down/);
  expect(await lab(['down'])).toMatchObject({ code: 0, stderr: 'Lab "lab" is down.\n' });
  expect(readdirSync(folder)).toEqual(['lab.log']);
  expect(await lab(['status'])).toMatchObject({ code: 1, stdout: 'No lab "lab" is running.\n' });
  expect(await lab(['down'])).toMatchObject({ code: 0, stderr: 'No lab "lab" is running.\n' });
});

test('--merge adds a context to the user’s kubeconfig and takes it out again, and changes nothing else', async () => {
  const own = join(home, 'own');
  const text =
    '# mine\napiVersion: v1\nkind: Config\ncurrent-context: work\nclusters: []\nusers: []\ncontexts: []\n';
  writeFileSync(own, text);
  chmodSync(own, 0o600);
  expect((await lab(['up', '--merge'], { env: { KUBECONFIG: own } })).code).toBe(0);
  const merged = readFileSync(own, 'utf8');
  expect(merged).toMatch(/^# mine\n/);
  expect(merged).toContain('current-context: work');
  expect(merged).toContain('name: padlock-lab');
  await lab(['down']);
  expect(readFileSync(own, 'utf8')).toBe(text);
  expect(mode(own)).toBe('600');
});

test('a lab that was killed is said to be gone, and started anew or cleaned up', async () => {
  const own = join(home, 'own');
  await lab(['up', '--merge'], { env: { KUBECONFIG: own } });
  await crash();
  const stale = await lab(['status']);
  expect(stale.stdout).toMatch(/has ended without a word; `padlock lab down` removes what it left/);
  expect(stale.code).toBe(1);
  expect((await lab(['up', '--merge'], { env: { KUBECONFIG: own } })).code).toBe(0);
  await crash();
  expect((await lab(['down'])).stderr).toBe('Lab "lab" had ended without a word; what it left is removed.\n');
  expect(readdirSync(folder)).toEqual(['lab.log']);
  expect(readFileSync(own, 'utf8')).not.toContain('padlock-lab');
});

test('a state file that names another program ends nobody', async () => {
  await lab(['up']);
  const file = join(folder, 'state.json');
  const state = JSON.parse(readFileSync(file, 'utf8'));
  await crash();
  writeFileSync(file, JSON.stringify({ ...state, pid: process.pid }));
  expect((await status()).state).toBe('stale');
  expect((await lab(['down'])).code).toBe(0);
  expect(existsSync(file)).toBe(false);
  writeFileSync(join(folder, 'starting'), String(process.pid));
  expect((await lab(['up'])).code).toBe(0);
});

test('a state file that cannot be read is named', async () => {
  await lab(['status']);
  for (const text of ['', '{', '{"version":2}', '[]']) {
    await writeState(text);
    for (const command of ['up', 'status', 'down']) {
      expectMistake(
        await lab([command]),
        /state\.json is not a state file of this version/,
        /delete that file/,
      );
    }
  }
});

async function writeState(text: string): Promise<void> {
  if (!existsSync(folder)) {
    await lab(['up']);
    await lab(['down']);
  }
  writeFileSync(join(folder, 'state.json'), text);
}

test('a port that is taken, in the background and in the foreground', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const flags of [[], ['--foreground']]) {
    const result = await lab(['up', '--port', String(port), ...flags]);
    expectMistake(result, new RegExp(`port ${port} on 127.0.0.1 is in use`), /choose another port, or 0/);
  }
  expect(readdirSync(folder)).toEqual(['lab.log']);
  taken.close();
});

test('values and files that make no sense are told before anything starts', async () => {
  const file = join(home, 'mesh.yaml');
  writeFileSync(file, 'trustDomain: [\n');
  expectMistake(await lab(['up', '--mesh-config', file]), /mesh\.yaml:2:1/, /mend the text/);
  writeFileSync(file, 'trustDomain: [a]\n');
  expectMistake(
    await lab(['up', '--mesh-config', file]),
    /is no mesh config: trustDomain is/,
    /config map istio/,
  );
  expectMistake(await lab(['up', '--mesh-config', 'none']), /cannot read .*none/, /--mesh-config/);
  expectMistake(await lab(['up', '--name', 'Big']), /"Big" is no name for a lab/, /small letters/);
  expectMistake(await lab(['up', '--nodes', '0']), /"0" is no number of nodes/, /lab up --help/);
  expectMistake(await lab(['up', '--propagation', '2s..1s']), /begins after its end/, /lab up --help/);
  expectMistake(await lab(['up', '--cert-ttl', '0s']), /between a second and ten years/, /lab up --help/);
  expectMistake(
    await lab(['up'], { env: { PADLOCK_LAB_DIR: file } }),
    /cannot make the lab’s folder|cannot make the lab's folder/,
    /PADLOCK_LAB_DIR/,
  );
  expect(existsSync(folder)).toBe(false);
});

test.each([
  ['as soon as there is a folder', 'lab.log'],
  ['while it starts', 'starting'],
])('Ctrl-C %s leaves no process and no state', async (_when, file) => {
  const { code, stderr } = await lab(['up'], { interruptWhen: () => existsSync(join(folder, file)) });
  expect(stderr).toBe('error: interrupted; the lab that was starting is ended\n');
  expect(code).toBe(130);
  expect(readdirSync(folder)).toEqual(['lab.log']);
  expect(readFileSync(join(folder, 'lab.log'), 'utf8')).not.toMatch(/\n\s+at /);
});

test('in the foreground Ctrl-C ends it with 130', async () => {
  const { code, stdout, stderr } = await lab(['up', '--foreground'], {
    interruptWhen: (output) => output.includes('export KUBECONFIG'),
  });
  expect(stdout).toMatch(/^export KUBECONFIG=/);
  expect(stderr).toMatch(/Ctrl-C ends it\.\nLab "lab" is down\.\n$/);
  expect(code).toBe(130);
  expect(readdirSync(folder)).toEqual([]);
});

test('several labs live side by side', async () => {
  await lab(['up', '--name', 'one']);
  const { stderr } = await lab(['down']);
  expect(stderr).toBe('No lab "lab" is running.\nRunning: one; choose with --name.\n');
  expect((await lab(['down', '--name', 'one'])).code).toBe(0);
});
