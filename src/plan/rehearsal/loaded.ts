/** Whether proxies have loaded the rehearsal, and as a dry run. */
import { isObject, type JsonObject } from '../../sources/json-value.ts';
import { rehearsalName } from './policy.ts';

/** `enforced`: the proxy would refuse by it. That must never be. */
export type RehearsalState = 'absent' | 'shadow' | 'enforced';

/** Looks for the policy in a config dump: RBAC filters hold what is enforced in `rules`, dry runs in `shadow_rules`. */
export function rehearsalIn(dump: unknown, namespace: string): RehearsalState {
  const name = `ns[${namespace}]-policy[${rehearsalName}]-rule[0]`;
  const found = new Set<RehearsalState>();
  walk(dump, (object) => {
    if (holds(object.rules, name)) found.add('enforced');
    if (holds(object.shadow_rules, name)) found.add('shadow');
  });
  return found.has('enforced') ? 'enforced' : found.has('shadow') ? 'shadow' : 'absent';
}

function holds(rules: unknown, name: string): boolean {
  return isObject(rules) && isObject(rules.policies) && name in rules.policies;
}

function walk(value: unknown, visit: (object: JsonObject) => void): void {
  if (Array.isArray(value)) for (const member of value) walk(member, visit);
  if (!isObject(value)) return;
  visit(value);
  for (const member of Object.values(value)) walk(member, visit);
}
