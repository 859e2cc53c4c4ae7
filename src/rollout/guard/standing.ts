/** What stands in a guarded namespace today that the guard would refuse, by the guard's own CEL; and the exceptions it was granted. */
import { Environment } from '@marcbachmann/cel-js';
import { formatRef, type KubeObject } from '../../istio/kubernetes.ts';
import { exceptionOf } from '../../mesh/exception.ts';
import { asList, asText, dig } from '../../sources/json-value.ts';

export interface Standing {
  readonly resource: string;
  /** The guard's message; absent where only an exception is listed. */
  readonly weakness?: string;
  readonly owner?: string;
  /** The exception's last day. */
  readonly until?: string;
  readonly expired: boolean;
}

/** Kinds by the plural that the policies name. */
const plurals: Readonly<Record<string, string>> = {
  PeerAuthentication: 'peerauthentications',
  DestinationRule: 'destinationrules',
  Pod: 'pods',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  Job: 'jobs',
};

const names = ['object', 'oldObject', 'request', 'namespaceObject', 'variables'] as const;

/**
 * Judges objects as if they were created now.
 * @param policies the guard's ValidatingAdmissionPolicies
 * @param today `2027-01-31`
 */
export function standingWeaknesses(
  policies: readonly KubeObject[],
  objects: readonly KubeObject[],
  namespace: string,
  today: string,
): readonly Standing[] {
  const env = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false });
  for (const name of names) env.registerVariable(name, 'dyn');
  const namespaceObject = objects.find((one) => one.kind === 'Namespace' && one.metadata.name === namespace);
  return objects.flatMap((object) => {
    const weakness = policies.flatMap((policy) => {
      const values = valuesFor(policy, object, namespace, namespaceObject, today);
      return values === undefined ? [] : refusals(env, policy, values);
    })[0];
    const exception = exceptionOf(object);
    if (weakness === undefined) return [];
    const resource = formatRef({
      kind: object.kind,
      name: object.metadata.name,
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    });
    const { owner, until } = exception;
    return [
      {
        resource,
        weakness,
        ...(owner === undefined ? {} : { owner }),
        ...(until === undefined ? {} : { until }),
        expired: until !== undefined && until < today,
      },
    ];
  });
}

function valuesFor(
  policy: KubeObject,
  object: KubeObject,
  namespace: string,
  namespaceObject: KubeObject | undefined,
  today: string,
): Readonly<Record<string, unknown>> | undefined {
  const plural = plurals[object.kind];
  const rules = asList(dig(policy.spec, 'matchConstraints', 'resourceRules'));
  const resources = rules.flatMap((rule) => asList(dig(rule, 'resources')));
  if (plural === undefined || !resources.includes(plural)) return undefined;
  const ownNamespace = object.metadata.namespace ?? '';
  if (plural !== 'destinationrules' && ownNamespace !== namespace) return undefined;
  return {
    object: { ...object, metadata: { ...object.metadata, creationTimestamp: `${today}T00:00:00Z` } },
    oldObject: null,
    request: { operation: 'CREATE', namespace: ownNamespace },
    namespaceObject: namespaceObject ?? null,
    // An exception is shown beside the weakness, so that it is no excuse here.
    variables: { excused: false },
  };
}

function refusals(
  env: Environment,
  policy: KubeObject,
  values: Readonly<Record<string, unknown>>,
): readonly string[] {
  const holds = (expression: unknown): boolean =>
    env.evaluate(asText(expression) ?? 'false', values) === true;
  const conditions = asList(dig(policy.spec, 'matchConditions'));
  if (!conditions.every((condition) => holds(dig(condition, 'expression')))) return [];
  return asList(dig(policy.spec, 'validations')).flatMap((validation) => {
    if (holds(dig(validation, 'expression'))) return [];
    const [message = ''] = (asText(dig(validation, 'message')) ?? '').split(' (guard of namespace');
    return [message];
  });
}
