/** Callers that no dry-run ALLOW policy of their server names: who is behind the counters, which name nobody. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { asObjects, asTextMap, asTexts, dig } from '../../sources/json-value.ts';
import type { Call, WorkloadCalls } from './calls.ts';
import { dryRunAnnotation } from './suggest.ts';

export interface Uncovered {
  readonly server: string;
  readonly call: Call;
}

/** Judges by what `authz suggest` writes: principals, ports, methods and paths. Other fields are taken to match. */
export function uncovered(mesh: Mesh, observed: readonly WorkloadCalls[]): readonly Uncovered[] {
  const policies = mesh.snapshot.objects
    .map(({ object }) => object)
    .filter(
      ({ kind, metadata: { annotations = {} }, ...rest }) =>
        kind === 'AuthorizationPolicy' &&
        annotations[dryRunAnnotation] === 'true' &&
        (dig(rest, 'spec', 'action') ?? 'ALLOW') === 'ALLOW',
    );
  return observed.flatMap(({ workload, calls }) => {
    const own = policies.filter(
      (policy) =>
        policy.metadata.namespace === workload.namespace &&
        Object.entries(asTextMap(dig(policy.spec, 'selector', 'matchLabels'))).every(
          ([key, value]) => workload.labels[key] === value,
        ),
    );
    if (own.length === 0) return [];
    const server = `${workload.kind}/${workload.name}`;
    return calls
      .filter((call) => !own.some((policy) => allows(policy, call)))
      .map((call) => ({ server, call }));
  });
}

function allows(policy: KubeObject, call: Call): boolean {
  return asObjects(dig(policy.spec, 'rules')).some((rule) => {
    const from = asObjects(rule.from).map((item) => asTexts(dig(item, 'source', 'principals')));
    const to = asObjects(rule.to).map((item) => dig(item, 'operation'));
    const named = from.length === 0 || from.some((list) => matches(list, call.principal ?? ''));
    return named && (to.length === 0 || to.some((operation) => takes(operation, call)));
  });
}

function takes(operation: unknown, { port, method, path }: Call): boolean {
  const of = (field: string): readonly string[] => asTexts(dig(operation, field));
  return (
    matches(of('ports'), String(port)) &&
    matches(of('methods'), method ?? '') &&
    matches(of('paths'), path ?? '')
  );
}

/** Istio's notation: exact, `prefix*`, `*suffix`, `*`. No value is any. */
function matches(list: readonly string[], value: string): boolean {
  if (list.length === 0) return true;
  return list.some((wanted) => {
    if (wanted === '*') return value !== '';
    if (wanted.endsWith('*')) return value.startsWith(wanted.slice(0, -1));
    if (wanted.startsWith('*')) return value.endsWith(wanted.slice(1));
    return wanted === value;
  });
}
