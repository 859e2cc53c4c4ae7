/** What to say before a rollout where access logs are off, as they are by default in Istio: refusals would not be seen. */
import { accessLoggingOff } from '../evidence/envoy/access-logging.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import { asObject, asObjects } from '../sources/json-value.ts';
import type { Facts } from './facts.ts';
import { listed } from './preflight.ts';
import { blindIn, type Reading } from './traffic.ts';

export interface Advice {
  readonly sentence: string;
  /** What to apply or run, line by line; not to be wrapped. */
  readonly lines: readonly string[];
}

/**
 * @param reading of the proxies that are there already; workloads without one are judged by what is declared
 * @returns undefined where every refusal will be seen, as far as is known
 */
export function accessLogAdvice(facts: Facts, reading: Reading): Advice | undefined {
  const blind = blindIn(reading);
  const name = facts.namespace.metadata.name;
  const bare = facts.owners.some(({ meshed }) => meshed !== 'yes') && !isDeclared(facts);
  if (blind.length === 0 && !bare) return undefined;
  const off = bare || blind.some(({ reason }) => reason === accessLoggingOff);
  const servers = listed(
    blind.map(({ server }) => server),
    5,
  );
  const unseen = 'plaintext that STRICT refuses will not be seen while it is watched';
  const still = 'counters and probes still tell what fails';
  if (!off) {
    return { sentence: `${unseen} at ${servers}: ${blind[0]?.reason}; ${still}`, lines: [] };
  }
  const where = bare ? `in ${name}` : `at ${servers}`;
  return {
    sentence: `access logging is off ${where}, so ${unseen}; ${still}. To see it, set accessLogFile: /dev/stdout in the mesh config, or ${howTo(facts)} (proxies take it up without a restart):`,
    lines: patchLines(facts),
  };
}

/** Whether something asks for access logs; a Telemetry that turns them off again is found out by the proxies themselves. */
function isDeclared({ mesh, namespace }: Facts): boolean {
  return (
    mesh.config.accessLogFile !== '' ||
    telemetriesIn(
      mesh.snapshot.objects.map(({ object }) => object),
      [namespace.metadata.name, mesh.config.rootNamespace],
    ).some(({ spec }) => asObjects(asObject(spec).accessLogging).some(({ disabled }) => disabled !== true))
  );
}

function telemetriesIn(objects: readonly KubeObject[], namespaces: readonly string[]): readonly KubeObject[] {
  return objects.filter(
    ({ kind, metadata }) => kind === 'Telemetry' && namespaces.includes(metadata.namespace ?? ''),
  );
}

/** Of several that are for the whole namespace Istio reads one only, so that a second would change nothing. */
function existing({ mesh, namespace }: Facts): KubeObject | undefined {
  const objects = mesh.snapshot.objects.map(({ object }) => object);
  return telemetriesIn(objects, [namespace.metadata.name])
    .filter(({ spec }) => asObject(spec).selector === undefined && asObject(spec).targetRefs === undefined)
    .toSorted((a, b) =>
      (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
    )[0];
}

function howTo(facts: Facts): string {
  return existing(facts) === undefined ? 'apply this' : 'run this';
}

function patchLines(facts: Facts): readonly string[] {
  const name = facts.namespace.metadata.name;
  const found = existing(facts);
  if (found !== undefined) {
    return [
      `kubectl patch telemetry ${found.metadata.name} -n ${name} --type merge \\`,
      `  -p '{"spec":{"accessLogging":[{"providers":[{"name":"envoy"}]}]}}'`,
    ];
  }
  return [
    'apiVersion: telemetry.istio.io/v1',
    'kind: Telemetry',
    `metadata: {name: access-logs, namespace: ${name}}`,
    'spec:',
    '  accessLogging:',
    '  - providers: [{name: envoy}]',
  ];
}
