/** Runs the conformance script against one server and makes its answers comparable. */
import { spawn } from 'node:child_process';
import type { Cluster } from '../../src/sources/cluster.ts';
import { type Step, steps } from './conformance-steps.ts';

export interface Answer {
  readonly name: string;
  readonly text: string;
}

/** @returns one answer for each step, with what differs between any two runs (uids, times, versions, addresses) replaced. */
export async function runSteps(kubeconfig: string, cluster: Cluster): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const step of steps)
    answers.push({ name: step.name, text: comparable(await runStep(kubeconfig, cluster, step)) });
  return answers;
}

async function runStep(kubeconfig: string, cluster: Cluster, step: Step): Promise<string> {
  if ('kubectl' in step) return runKubectl(kubeconfig, step.kubectl, step.stdin);
  const response = await cluster.raw({
    method: step.http,
    path: step.path,
    ...(step.headers === undefined ? {} : { headers: step.headers }),
    ...(step.body === undefined ? {} : { body: step.body }),
  });
  return `${response.status}\n${sorted(response.body)}`;
}

/** JSON with its keys in order, since their order says nothing; any other text as it is. */
function sorted(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
  } catch (error) {
    if (error instanceof SyntaxError) return body.trim();
    throw error;
  }
}

function runKubectl(kubeconfig: string, args: readonly string[], stdin?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'kubectl',
      ['--kubeconfig', kubeconfig, '--cache-dir', `${kubeconfig}.cache`, ...args],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(`exit ${code}\n${output.trim()}`));
    child.stdin.end(stdin ?? '');
  });
}

function comparable(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replaceAll(/("?resourceVersion"?:\s*)"\d+"/g, '$1"RV"')
    .replaceAll(/\b10\.96\.\d+\.\d+\b/g, 'CLUSTER-IP')
    .replaceAll(/(\s)\d+(ms|s|m)(\s|$|\))/gm, '$1AGE$3');
}
