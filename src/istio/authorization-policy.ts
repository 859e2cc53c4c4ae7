/** AuthorizationPolicy, the part that rests on who the client is: it cannot be judged on a plaintext connection. */
import { FieldReader, type Fields } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';
import { parseWorkloadSelector, type WorkloadSelector } from './selector.ts';

export type AuthorizationAction = 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';

/** A field that needs the client's certificate. */
export interface IdentityField {
  /** Path in the policy: `spec.rules[0].from[0].source.principals`. */
  readonly field: string;
  readonly values: readonly string[];
  /** `notPrincipals` and its like: on plaintext, where there is no identity, they match. */
  readonly negative: boolean;
}

export interface AuthorizationRule {
  readonly identity: readonly IdentityField[];
  /** Ports named in `to.operation.ports`; empty for every port. */
  readonly ports: readonly number[];
  readonly field: string;
}

export interface AuthorizationPolicy extends Parsed {
  readonly action: AuthorizationAction;
  readonly selector: WorkloadSelector;
  /** Attached by `targetRefs` to a gateway, service or waypoint instead of a selector. */
  readonly targets: readonly { readonly kind: string; readonly name: string }[];
  readonly rules: readonly AuthorizationRule[];
  /** `istio.io/dry-run: "true"`: counts, refuses nothing. */
  readonly dryRun: boolean;
}

const identitySources = ['principals', 'namespaces', 'serviceAccounts', 'trustDomains'] as const;
const identityConditions: ReadonlySet<string> = new Set([
  'source.principal',
  'source.namespace',
  'source.serviceAccount',
  'source.trustDomain',
]);

export function parseAuthorizationPolicy(object: KubeObject): AuthorizationPolicy {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const targets = [...reader.list(spec.targetRefs, 'spec.targetRefs'), spec.targetRef].filter(
    (item) => item !== undefined && item !== null,
  );
  return {
    ...parsed,
    action: reader.word(spec.action, 'spec.action', ['ALLOW', 'DENY', 'AUDIT', 'CUSTOM'] as const) ?? 'ALLOW',
    selector: parseWorkloadSelector(spec.selector, 'spec.selector', reader),
    targets: targets.map((item) => {
      const target = reader.fields(item, 'spec.targetRefs');
      return {
        kind: reader.string(target.kind, 'spec.targetRefs.kind') ?? '',
        name: reader.string(target.name, 'spec.targetRefs.name') ?? '',
      };
    }),
    rules: reader
      .list(spec.rules, 'spec.rules')
      .map((item, index) =>
        parseRule(reader.fields(item, `spec.rules[${index}]`), `spec.rules[${index}]`, reader),
      ),
    dryRun: parsed.annotations['istio.io/dry-run'] === 'true',
  };
}

function parseRule(rule: Fields, field: string, reader: FieldReader): AuthorizationRule {
  const identity: IdentityField[] = [];
  const add = (value: unknown, path: string, negative: boolean) => {
    const values = reader.strings(value, path);
    if (values.length > 0) identity.push({ field: path, values, negative });
  };
  for (const [index, item] of reader.list(rule.from, `${field}.from`).entries()) {
    const path = `${field}.from[${index}].source`;
    const source = reader.fields(reader.fields(item, `${field}.from[${index}]`).source, path);
    for (const name of identitySources) {
      const not = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      add(source[name], `${path}.${name}`, false);
      add(source[not], `${path}.${not}`, true);
    }
  }
  for (const [index, item] of reader.list(rule.when, `${field}.when`).entries()) {
    const path = `${field}.when[${index}]`;
    const condition = reader.fields(item, path);
    if (typeof condition.key !== 'string' || !identityConditions.has(condition.key)) continue;
    add(condition.values, `${path}.values`, false);
    add(condition.notValues, `${path}.notValues`, true);
  }
  const ports: number[] = [];
  for (const [index, item] of reader.list(rule.to, `${field}.to`).entries()) {
    const path = `${field}.to[${index}].operation`;
    const operation = reader.fields(reader.fields(item, `${field}.to[${index}]`).operation, path);
    ports.push(...reader.strings(operation.ports, `${path}.ports`).map(Number).filter(Number.isInteger));
  }
  return { identity, ports, field };
}
