/** The rights that a plan needs, and the question whether the user has them (SelfSubjectAccessReview). */
import { PadlockError } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';
import type { Plan } from './plan.ts';
import { resourceOf } from './write.ts';

export interface AccessNeed {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
}

/**
 * Every write of the plan and of its way back, the record and the Lease, and the probes.
 * @param dialVerbs see `verbsToDial`
 */
export function accessNeeds(plan: Plan, dialVerbs: readonly string[]): readonly AccessNeed[] {
  const { namespace } = plan;
  const dial = (subresource: string, where: Pick<AccessNeed, 'namespace'>): readonly AccessNeed[] =>
    dialVerbs.map((verb) => ({ verb, group: '', resource: 'pods', subresource, ...where }));
  const needs: AccessNeed[] = [
    ...['get', 'create', 'patch'].map((verb) => ({ verb, group: '', resource: 'configmaps', namespace })),
    ...['get', 'create', 'update'].map((verb) => ({
      verb,
      group: 'coordination.k8s.io',
      resource: 'leases',
      namespace,
    })),
    // Where port-forward is not allowed, proxies are read by exec.
    ...dial('exec', { namespace }),
  ];
  if (plan.steps.some(({ until }) => until?.kind === 'loaded' && until.clients)) {
    // Clients live anywhere, and their proxies are looked at too.
    needs.push(...dial('portforward', {}));
  }
  for (const { kind, manifest } of plan.steps.flatMap((step) => [...step.writes, ...step.undo.writes])) {
    const { group, plural } = resourceOf(manifest.kind);
    // For a namespace itself the API server asks the rights inside it, so a Role there can grant them.
    const scope = { namespace };
    needs.push({ verb: kind === 'delete' ? 'delete' : 'patch', group, resource: plural, ...scope });
    // Server-side apply of an object that is not there yet is a create as well.
    if (manifest.kind === 'PeerAuthentication' || manifest.kind === 'DestinationRule') {
      needs.push({ verb: 'create', group, resource: plural, ...scope });
    }
  }
  return [...new Map(needs.map((need) => [describeNeed(need), need])).values()];
}

/** From this minor version on (1.35) a WebSocket needs `create` beside the `get` that it begins with. */
const createSinceMinor = 35;

/**
 * What the API server asks for a WebSocket to a pod. A server that does not tell its version is taken for an old one:
 * what it then refuses, the probe says.
 */
export async function verbsToDial(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
  const { status, body } = await cluster.raw({ method: 'GET', path: '/version', signal });
  const version: unknown = status === 200 ? JSON.parse(body) : undefined;
  // `35`, or `35+` where a cloud has its own build.
  const minor = Number.parseInt(asText(dig(version, 'minor')) ?? '', 10);
  return minor >= createSinceMinor ? ['get', 'create'] : ['get'];
}

/** @returns `patch deployments.apps in shop`. */
export function describeNeed(need: AccessNeed): string {
  const sub = need.subresource === undefined ? '' : `/${need.subresource}`;
  const group = need.group === '' ? '' : `.${need.group}`;
  const where = need.namespace === undefined ? '' : ` in ${need.namespace}`;
  return `${need.verb} ${need.resource}${sub}${group}${where}`;
}

/**
 * @returns the needs that are not met
 * @throws PadlockError `CLUSTER_REQUEST_FAILED` where the API server does not answer the question
 */
export async function missingAccess(
  cluster: Cluster,
  needs: readonly AccessNeed[],
  signal: AbortSignal,
): Promise<readonly AccessNeed[]> {
  const answers = await Promise.all(needs.map((need) => isAllowed(cluster, need, signal)));
  return needs.filter((_need, index) => answers[index] === false);
}

async function isAllowed(cluster: Cluster, need: AccessNeed, signal: AbortSignal): Promise<boolean> {
  const answer = await cluster.raw({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: need },
    }),
    signal,
  });
  if (answer.status >= 300) {
    throw new PadlockError(
      'CLUSTER_REQUEST_FAILED',
      `context ${cluster.context}: the API server does not say what is allowed (HTTP ${answer.status})`,
      { hint: 'selfsubjectaccessreviews are open to every user unless they were taken away' },
    );
  }
  const body: unknown = JSON.parse(answer.body);
  return asText(dig(body, 'kind')) === 'SelfSubjectAccessReview' && dig(body, 'status', 'allowed') === true;
}
