/** Runs the conformance scripts against one server and makes its answers comparable. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../src/sources/cluster.ts';
import { asObjects, isObject } from '../../src/sources/json-value.ts';
import { access } from './steps/access.ts';
import { day } from './steps/day.ts';
import { kinds } from './steps/kinds.ts';
import { reads } from './steps/reads.ts';
import type { Step, StepGroup } from './steps/step.ts';
import { writes } from './steps/writes.ts';

export interface Answer {
  /** `GROUP: STEP` */
  readonly name: string;
  readonly kind: 'kubectl' | 'http';
  readonly text: string;
}

/** A server under test. */
export interface Tested {
  readonly kubeconfig: string;
  readonly cluster: Cluster;
}

export const groups: readonly StepGroup[] = [day, kinds, writes, access, reads];

/** @returns one answer for each step, with what differs between any two runs (uids, times, versions, addresses) replaced. */
export async function runSteps(tested: Tested): Promise<readonly Answer[]> {
  const answers = await Promise.all(groups.map((group) => runGroup(tested, group)));
  return answers.flat();
}

async function runGroup(tested: Tested, group: StepGroup): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const step of group.steps) {
    const text = comparable(await settled(tested, step));
    const kind = 'kubectl' in step ? 'kubectl' : 'http';
    answers.push({ name: `${group.name}: ${step.name}`, kind, text: text.trim() });
  }
  return answers;
}

/** The answer, or for a step that waits for something the first answer that has it. */
async function settled(tested: Tested, step: Step): Promise<string> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const text = await runStep(tested, step);
    if (step.until === undefined || step.until.test(text) || Date.now() > deadline) return text;
    await sleep(50);
  }
}

async function runStep(tested: Tested, step: Step): Promise<string> {
  if ('kubectl' in step) return runKubectl(tested.kubeconfig, step.kubectl, step.stdin);
  const response = await tested.cluster.raw({
    method: step.http,
    path: step.path,
    ...(step.headers === undefined ? {} : { headers: step.headers }),
    ...(step.body === undefined ? {} : { body: step.body }),
  });
  const { warning } = response.headers;
  return `${response.status}\n${warning === undefined ? '' : `warning: ${warning}\n`}${sorted(response.body)}`;
}

/** Lists whose order is that of a Go map or of the second's clock: it says nothing. */
const unordered: ReadonlySet<string> = new Set(['causes', 'verbs', 'resources', 'managedFields']);

/** JSON with its keys in order, since their order says nothing; any other text as it is. */
function sorted(body: string): string {
  try {
    return JSON.stringify(ordered('', JSON.parse(body)));
  } catch (error) {
    if (error instanceof SyntaxError) return body.trim();
    throw error;
  }
}

function ordered(key: string, value: unknown): unknown {
  // Nobody prints them; the lab has none.
  if (key === 'columnDefinitions') {
    return asObjects(value).map(({ description: _unseen, ...column }) => ordered('', column));
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => ordered('', item));
    const text = (item: unknown): string => JSON.stringify(item);
    return unordered.has(key) ? items.sort((a, b) => (text(a) < text(b) ? -1 : 1)) : items;
  }
  if (!isObject(value)) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([field, item]) => [field, ordered(field, item)]));
}

function runKubectl(kubeconfig: string, args: readonly string[], stdin?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'kubectl',
      ['--kubeconfig', kubeconfig, '--cache-dir', `${kubeconfig}.cache`, ...args],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    child.on('error', reject);
    // kubectl may end without reading what it is sent.
    child.stdin.on('error', () => child.stdin.destroy());
    child.on('close', (code) => resolve(`exit ${code}\n${output.trim()}`));
    child.stdin.end(stdin ?? '');
  });
}

/** A column is as wide as its widest age: on a slow day one that has two digits. */
export function evenAges(text: string): string {
  return text.replaceAll(/\bAGE +/g, 'AGE ');
}

function comparable(text: string): string {
  return evenAges(
    text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
      .replaceAll(/("?resourceVersion"?:\s*)"\d+"/g, '$1"RV"')
      .replaceAll(/\b10\.96\.\d+\.\d+\b/g, 'CLUSTER-IP')
      .replaceAll(/(\s)\d+(ms|s|m)(\s|$|\))/gm, '$1AGE$3')
      .replaceAll(/"cells":\[[^\]]*\]/g, (cells) => cells.replaceAll(/"\d+(s|m)"/g, '"AGE"'))
      .replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-XXXXX')
      // kubectl diff names its temporary files, and a generated name ends in five letters.
      .replaceAll(/\/\S*\/(LIVE|MERGED)-\d+/g, '$1')
      .replaceAll(/"gen-[a-z0-9]{5}"/g, '"gen-XXXXX"')
      .replaceAll(/(LIVE\S*|MERGED\S*)\t[-0-9]+ [:.0-9]+ [-+0-9]+/g, '$1 TIME')
      .replaceAll(/"continue":"[^"]+"/g, '"continue":"TOKEN"')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
      .replaceAll(/"storageVersionHash":"[^"]*",?/g, '')
      .replaceAll(/\\"storageVersionHash\\":\\"[^"]*\\",?/g, '')
      .replaceAll(/current: \d+/g, 'current: RV')
      .replaceAll(/in record \(\d+\)/g, 'in record (RV)')
      .replaceAll(/\\"resourceVersion\\":\\"\d+\\"/g, '"resourceVersion":"RV"')
      .replaceAll(/Bad_[a-z0-9]{5}/g, 'Bad_XXXXX')
      .replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, 'SERVER'),
  );
}
