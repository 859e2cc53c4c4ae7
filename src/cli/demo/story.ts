/** The demo's story, told against any cluster: plaintext first, then `secure`, then what changed. */
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { paint } from '../../report/style.ts';
import { initialState } from '../../rollout/machine.ts';
import { prepare } from '../../rollout/prepare.ts';
import { podSelector, rolledOut } from '../../rollout/rolled-out.ts';
import type { Cluster, ResourceType } from '../../sources/cluster.ts';
import { resourcePath } from '../../sources/kube/resource-path.ts';
import { statusMessage } from '../../sources/kube/status.ts';
import type { Context } from '../context.ts';
import { objectionsText, planText } from '../secure/plan-text.ts';
import { proofTable } from '../secure/progress-text.ts';
import { runRollout } from '../secure/run-rollout.ts';
import { ask, type Heard, url } from './requests.ts';
import { demoObjects, outside, shop } from './workloads.ts';

/** @returns whether it went as it should. Throws PadlockError where a part of it could not be done. */
export async function tellStory(context: Context, cluster: Cluster): Promise<boolean> {
  const { stdout, signal } = context;
  const say = (text: string): Promise<void> => stdout.write(`${text}\n`);
  const title = (text: string): Promise<void> => say(`\n${paint(text, 'strong', stdout.color)}`);

  await title('1. An ordinary namespace');
  await deploy(cluster, context);
  await say(
    '   shop has httpbin, and sleep calls it all the while; legacy has batch.\n   Nobody has a sidecar.',
  );
  const before = await askBoth(cluster, context);
  await say(request('shop/sleep', before.inside, stdout.color));
  await say(request('legacy/batch', before.outsider, stdout.color));
  await say('   Both in plaintext: whoever reaches the network may read, and may call.');

  await title('2. $ padlock secure shop --yes');
  const prepared = await prepare(cluster, {
    namespace: shop,
    until: 'strict',
    workloads: [],
    exclude: [],
    observeMs: 1_000,
    maxErrors: { kind: 'count', value: 0 },
    forceGitOps: false,
    now: context.clock.now(),
    signal,
  });
  const style = { color: stdout.color, columns: stdout.columns };
  if (prepared.objections.length > 0) {
    await stdout.write(objectionsText(prepared.objections, style));
    return false;
  }
  const narrow = { ...style, columns: style.columns - 3 };
  await stdout.write(indented(planText(prepared, cluster.context, narrow)));
  await say('');
  const start = { state: initialState(prepared.plan), event: { kind: 'start' } } as const;
  const { state, proof } = await runRollout(context, cluster, start, {
    output: 'text',
    timeout: 60_000,
    acceptInconclusive: false,
    indent: '   ',
  });
  if (state.status !== 'done' || proof === undefined) {
    await say(`   It ended as ${state.status}: ${state.reason ?? ''}`);
    return false;
  }

  await title('3. The same two requests');
  const after = await askBoth(cluster, context);
  await say(request('shop/sleep', after.inside, stdout.color));
  await say(request('legacy/batch', after.outsider, stdout.color));

  await title('4. The proof');
  await say(indented(proofTable(proof, narrow)));
  return (
    after.inside.kind === 'answered' &&
    after.inside.identity !== undefined &&
    after.outsider.kind === 'refused'
  );
}

interface Both {
  readonly inside: Heard;
  readonly outsider: Heard;
}

async function askBoth(cluster: Cluster, { signal }: Context): Promise<Both> {
  const [inside, outsider] = await Promise.all([
    ask(cluster, shop, 'sleep', signal),
    ask(cluster, outside, 'batch', signal),
  ]);
  return { inside, outsider };
}

function request(from: string, heard: Heard, color: boolean): string {
  const line = `   ${from.padEnd(12)} curl ${url}`;
  if (heard.kind === 'refused') return `${line}\n   ${paint('refused', 'good', color)}      ${heard.error}`;
  return heard.identity === undefined
    ? `${line}\n   ${paint('plaintext', 'bad', color)}    200, and nothing tells who called`
    : `${line}\n   ${paint('mutual TLS', 'good', color)}   200, called by ${heard.identity}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '   ');
}

const kinds: Readonly<Record<string, ResourceType>> = {
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
  ServiceAccount: { group: '', version: 'v1', plural: 'serviceaccounts', namespaced: true },
  Service: { group: '', version: 'v1', plural: 'services', namespaced: true },
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments', namespaced: true },
};

async function deploy(cluster: Cluster, context: Context): Promise<void> {
  for (const object of demoObjects) await apply(cluster, object);
  const deployments = demoObjects.filter((object) => object.kind === 'Deployment');
  await Promise.all(deployments.map((object) => ready(cluster, object, context)));
}

async function apply(cluster: Cluster, object: KubeObject): Promise<void> {
  const { namespace, name } = object.metadata;
  const answer = await cluster.raw({
    method: 'PATCH',
    path: `${resourcePath(typeOf(object), namespace, name)}?fieldManager=padlock-demo`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(object),
  });
  if (answer.status < 300) return;
  throw new PadlockError('LAB_FAILED', `cannot deploy ${object.kind} ${name}: ${statusMessage(answer.body)}`);
}

async function ready(cluster: Cluster, object: KubeObject, context: Context): Promise<void> {
  const { namespace, name } = object.metadata;
  const deadline = context.clock.now() + 60_000;
  for (;;) {
    const found = await cluster.get(typeOf(object), namespace, name);
    if (found !== undefined && namespace !== undefined) {
      const pods = await cluster.list(
        { group: '', version: 'v1', plural: 'pods', namespaced: true },
        { namespace, labelSelector: podSelector(found) },
      );
      const state = rolledOut(found, pods.items, false);
      if (state.kind === 'yes') return;
      const detail = state.kind === 'never' ? state.reason : state.detail;
      if (state.kind === 'never' || context.clock.now() > deadline) {
        throw new PadlockError('LAB_FAILED', `${name} does not become ready: ${detail}`);
      }
    }
    await context.clock.sleep(100, context.signal);
  }
}

function typeOf(object: KubeObject): ResourceType {
  const type = kinds[object.kind];
  if (type === undefined) throw new Error(`the demo deploys no ${object.kind}`);
  return type;
}
