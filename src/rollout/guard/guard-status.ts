/** Is the guard there, is it as Padlock made it, and what stands in spite of it. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { asList, asText, dig, isObject } from '../../sources/json-value.ts';
import { type GuardOptions, guardManifests, partMeanings } from './guard-policies.ts';
import { bindingType, type GuardEffects, labelled, policyType } from './install.ts';
import { type Standing, standingWeaknesses } from './standing.ts';

export interface PartStatus {
  readonly part: string;
  readonly guards: string;
  /** `altered`: policy or binding says something else than Padlock would write today. */
  readonly state: 'in place' | 'missing' | 'altered';
  /** What the API server's type check says of the policy's expressions. */
  readonly warnings: readonly string[];
}

export interface GuardStatus {
  readonly namespace: string;
  readonly installed: boolean;
  readonly action: 'deny' | 'audit' | 'mixed' | undefined;
  readonly parts: readonly PartStatus[];
  readonly standing: readonly Standing[];
}

/** @param today `2027-01-31` */
export async function guardStatus(
  options: Omit<GuardOptions, 'action'>,
  mesh: Mesh,
  today: string,
  effects: GuardEffects,
): Promise<GuardStatus> {
  const filter = labelled(options.namespace, effects.signal);
  const [policies, bindings] = await Promise.all([
    effects.cluster.list(policyType, filter),
    effects.cluster.list(bindingType, filter),
  ]);
  const actions = new Set(bindings.items.map(actionOf));
  const [only] = actions;
  const action = actions.size > 1 ? 'mixed' : only;
  const wanted = guardManifests({ ...options, action: action === 'audit' ? 'audit' : 'deny' });
  const found = [...policies.items, ...bindings.items];
  const parts = wanted
    .filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')
    .map(({ metadata: { name } }) => partStatus(name, wanted, found));
  const judged = wanted.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
  const objects = mesh.snapshot.objects.map(({ object }) => object);
  return {
    namespace: options.namespace,
    installed: found.length > 0,
    action,
    parts,
    standing: standingWeaknesses(judged, objects, options.namespace, today),
  };
}

function partStatus(name: string, wanted: readonly KubeObject[], found: readonly KubeObject[]): PartStatus {
  const part = name.split('.').at(-1) ?? name;
  const pairs = wanted
    .filter(({ metadata }) => metadata.name === name)
    .map((want) => ({
      want,
      have: found.find((one) => one.kind === want.kind && one.metadata.name === name),
    }));
  const isMissing = pairs.some(({ have }) => have === undefined);
  const isAltered = pairs.some(({ want, have }) => have !== undefined && !covers(have.spec, want.spec));
  const policy = pairs[0]?.have;
  const warnings = asList(dig(policy?.status, 'typeChecking', 'expressionWarnings')).map(
    (warning) => `${asText(dig(warning, 'fieldRef')) ?? ''}: ${asText(dig(warning, 'warning')) ?? ''}`,
  );
  return {
    part,
    guards: partMeanings[part] ?? '',
    state: isMissing ? 'missing' : isAltered ? 'altered' : 'in place',
    warnings,
  };
}

/** The API server adds defaults, so what is there may say more, but nothing else, and lists hold exactly what is wanted. */
function covers(have: unknown, want: unknown): boolean {
  if (Array.isArray(want)) {
    const items = asList(have);
    return items.length === want.length && want.every((item: unknown, index) => covers(items[index], item));
  }
  if (!isObject(want)) return have === want;
  return isObject(have) && Object.entries(want).every(([field, value]) => covers(have[field], value));
}

function actionOf(binding: KubeObject): 'deny' | 'audit' {
  return asList(dig(binding.spec, 'validationActions')).includes('Deny') ? 'deny' : 'audit';
}
