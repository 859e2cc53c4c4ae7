/**
 * Least-privilege AuthorizationPolicies from what was observed. An ALLOW policy shuts out everything that it does not name,
 * on every port of the workload: so ports that cannot be judged by identity are opened by a rule of their own, with the
 * reason, and a workload that nobody called gets no policy.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { inbound, portsOf } from '../../mesh/inbound.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asTextMap, dig } from '../../sources/json-value.ts';
import type { Call, WorkloadCalls } from './calls.ts';

export interface SuggestOptions {
  /** Also methods and paths, on HTTP ports. */
  readonly paths: boolean;
  /** Without it the policies are dry runs: they count, and refuse nothing. */
  readonly enforce: boolean;
}

export interface Suggestion {
  readonly workload: Workload;
  /** Absent: none can be suggested; `notes` say why. */
  readonly policy?: KubeObject;
  readonly notes: readonly string[];
}

interface Operation {
  readonly ports: readonly string[];
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
}

interface Rule {
  readonly from?: readonly { readonly source: { readonly principals: readonly string[] } }[];
  readonly to: readonly { readonly operation: Operation }[];
}

export const dryRunAnnotation = 'istio.io/dry-run';
export const suggestedLabel = 'padlock.dev/suggested';
/** More paths than this of one method are an interface with names in its paths: a prefix stands for them. */
const mostPaths = 20;

export function suggestPolicies(
  mesh: Mesh,
  observed: readonly WorkloadCalls[],
  options: SuggestOptions,
): readonly Suggestion[] {
  return observed.map((one) => suggest(mesh, one, options));
}

function suggest(mesh: Mesh, observed: WorkloadCalls, options: SuggestOptions): Suggestion {
  const { workload, calls, counted, unseen } = observed;
  const notes = unseen.map((reason) => `not seen: ${reason}`);
  const selector = selectorOf(mesh, workload);
  const none = (why: string): Suggestion => ({ workload, notes: [...notes, why] });
  if (selector === undefined) return none('no labels select it and nothing else');
  const ports = portsOf(mesh, workload);
  const open = ports.filter((port) => inbound(mesh, workload, port).plaintext);
  const secure = ports.filter((port) => !open.includes(port));
  for (const port of open) {
    const { mode } = inbound(mesh, workload, port);
    notes.push(
      `port ${port} still accepts plaintext (${mode}), where callers have no identity: it stays open to all; make it STRICT first`,
    );
  }
  if (secure.length === 0) return none('no port is held to mutual TLS, so no policy is suggested');
  const named = calls.filter((call) => call.principal !== undefined && !open.includes(call.port));
  if (named.length === 0) return none('nobody was seen calling: a policy would shut out everybody');
  for (const port of secure) {
    if (!named.some((call) => call.port === port)) notes.push(`port ${port} was not called: it is shut`);
  }
  for (const { address, port } of calls.filter(({ principal }) => principal === undefined)) {
    notes.push(
      `port ${port} was called from ${address}, whose identity is not known any more: it is not allowed`,
    );
  }
  const inLog = new Set(named.map(({ principal }) => principal));
  for (const principal of counted) {
    if (!inLog.has(principal)) {
      notes.push(
        `${principal} was counted, but within the window no log line tells what it called: it is not allowed`,
      );
    }
  }
  const rules: Rule[] = [
    ...rulesOf(named, options),
    ...(open.length === 0 ? [] : [{ to: [{ operation: { ports: open.map(String) } }] }]),
  ];
  return { workload, policy: policyOf(workload, selector, rules, options), notes };
}

function policyOf(
  workload: Workload,
  selector: Readonly<Record<string, string>>,
  rules: readonly Rule[],
  { enforce }: SuggestOptions,
): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      name: `padlock-${workload.name}`.slice(0, 63).replace(/[^a-z0-9]+$/, ''),
      namespace: workload.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'padlock', [suggestedLabel]: 'true' },
      ...(enforce ? {} : { annotations: { [dryRunAnnotation]: 'true' } }),
    },
    spec: { selector: { matchLabels: selector }, action: 'ALLOW', rules },
  };
}

/** Callers that may do the same stand in one rule. */
function rulesOf(calls: readonly Call[], { paths }: SuggestOptions): readonly Rule[] {
  const byPrincipal = Map.groupBy(calls, ({ principal }) => principal ?? '');
  const byOperations = new Map<string, { operations: readonly Operation[]; principals: string[] }>();
  for (const principal of [...byPrincipal.keys()].toSorted()) {
    const operations = operationsOf(byPrincipal.get(principal) ?? [], paths);
    const key = JSON.stringify(operations);
    const known = byOperations.get(key) ?? { operations, principals: [] };
    known.principals.push(principal);
    byOperations.set(key, known);
  }
  return [...byOperations.values()].map(({ operations, principals }) => ({
    from: [{ source: { principals } }],
    to: operations.map((operation) => ({ operation })),
  }));
}

function operationsOf(calls: readonly Call[], paths: boolean): readonly Operation[] {
  const ports = [...new Set(calls.map(({ port }) => port))].toSorted((a, b) => a - b);
  if (!paths) return [{ ports: ports.map(String) }];
  return ports.flatMap((port): readonly Operation[] => {
    const here = calls.filter((call) => call.port === port);
    const http = here.filter(({ method, path }) => method !== undefined && path !== undefined);
    // Bytes have no method: a port that was called as TCP is allowed as a whole.
    if (http.length < here.length) return [{ ports: [String(port)] }];
    const byMethod = Map.groupBy(http, ({ method = '' }) => method);
    const byPaths = new Map<string, { methods: string[]; paths: readonly string[] }>();
    for (const method of [...byMethod.keys()].toSorted()) {
      const list = narrowest((byMethod.get(method) ?? []).map(({ path = '' }) => path));
      const known = byPaths.get(list.join(' ')) ?? { methods: [], paths: list };
      known.methods.push(method);
      byPaths.set(list.join(' '), known);
    }
    return [...byPaths.values()].map((one) => ({ ports: [String(port)], ...one }));
  });
}

/** The paths as they are, or, where they are many, what they share up to a slash and a star. */
function narrowest(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)].toSorted();
  // A star in a policy is a wildcard, so such a path cannot be named exactly.
  if (all.length <= mostPaths && !all.some((path) => path.includes('*') || path.includes('{'))) return all;
  const [first = '', last = ''] = [all[0], all.at(-1)];
  let shared = 0;
  while (
    shared < first.length &&
    first[shared] === last[shared] &&
    first[shared] !== '*' &&
    first[shared] !== '{'
  )
    shared += 1;
  return [`${first.slice(0, first.slice(0, shared).lastIndexOf('/') + 1)}*`];
}

/** The owner's own selector, where it selects no other workload of the namespace; for a lone pod its labels. */
function selectorOf(mesh: Mesh, workload: Workload): Readonly<Record<string, string>> | undefined {
  const owner = mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === workload.kind &&
      object.metadata.namespace === workload.namespace &&
      object.metadata.name === workload.name,
  );
  const labels = asTextMap(dig(owner?.object.spec, 'selector', 'matchLabels'));
  const selector = Object.keys(labels).length > 0 ? labels : workload.labels;
  if (Object.keys(selector).length === 0) return undefined;
  const others = mesh.workloads.filter(
    (other) =>
      other.namespace === workload.namespace &&
      (other.kind !== workload.kind || other.name !== workload.name) &&
      Object.entries(selector).every(([key, value]) => other.labels[key] === value),
  );
  return others.length > 0 ? undefined : selector;
}
