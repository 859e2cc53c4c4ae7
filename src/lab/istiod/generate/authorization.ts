/**
 * AuthorizationPolicies as Envoy's RBAC filters (pilot/pkg/security/authz): DENY before ALLOW, dry runs as shadow rules.
 * AUDIT needs a logging plug-in and CUSTOM an external authorizer; the lab has neither and leaves both out.
 */
import type { Fields, StringMap } from '../../../istio/fields.ts';
import { isFields } from '../../../istio/fields.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { matchesLabels } from '../../../istio/selector.ts';
import type { HttpFilter, NetworkFilter } from '../../sidecar/config/listener.ts';
import {
  httpRbacType,
  networkRbacType,
  type RbacConfig,
  type RbacPolicy,
  type RbacRules,
} from '../../sidecar/config/rbac.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import { ruleToPolicy } from './authorization-rule.ts';

export interface AuthorizationFilters {
  readonly http: readonly HttpFilter[];
  readonly tcp: readonly NetworkFilter[];
}

/** The filters of a workload: what its namespace and the root namespace say about it. */
export function authorizationFilters(
  model: MeshModel,
  namespace: string,
  labels: StringMap,
): AuthorizationFilters {
  const { rootNamespace } = model.config;
  const policies = [...new Set([rootNamespace, namespace])]
    .flatMap((place) => model.authorizationPolicies.get(place) ?? [])
    .filter((policy) => selects(policy, labels));
  if (policies.length === 0) return { http: [], tcp: [] };
  const http: HttpFilter[] = [];
  const tcp: NetworkFilter[] = [];
  for (const action of ['DENY', 'ALLOW'] as const) {
    const own = policies.filter((policy) => (specOf(policy).action ?? 'ALLOW') === action);
    if (own.length === 0) continue;
    http.push({
      name: 'envoy.filters.http.rbac',
      typed_config: { '@type': httpRbacType, ...rbacConfig(model, own, action, 'http') },
    });
    tcp.push({
      name: 'envoy.filters.network.rbac',
      typed_config: {
        '@type': networkRbacType,
        ...rbacConfig(model, own, action, 'tcp'),
        stat_prefix: 'tcp.',
      },
    });
  }
  return { http, tcp };
}

function selects(policy: KubeObject, labels: StringMap): boolean {
  const spec = specOf(policy);
  // A policy with targets belongs to gateways and waypoints.
  if (spec.targetRef !== undefined || (Array.isArray(spec.targetRefs) && spec.targetRefs.length > 0))
    return false;
  const selector =
    isFields(spec.selector) && isFields(spec.selector.matchLabels) ? spec.selector.matchLabels : {};
  return matchesLabels(
    Object.fromEntries(Object.entries(selector).map(([key, value]) => [key, String(value)])),
    labels,
  );
}

export function specOf(policy: KubeObject): Fields {
  return isFields(policy.spec) ? policy.spec : {};
}

function rbacConfig(
  model: MeshModel,
  policies: readonly KubeObject[],
  action: 'ALLOW' | 'DENY',
  layer: 'http' | 'tcp',
): RbacConfig {
  const isDryRun = (policy: KubeObject): boolean =>
    policy.metadata.annotations?.['istio.io/dry-run'] === 'true';
  const enforced = policies.filter((policy) => !isDryRun(policy));
  const dryRun = policies.filter(isDryRun);
  return {
    ...(enforced.length === 0 ? {} : { rules: rules(model, enforced, action, layer) }),
    ...(dryRun.length === 0
      ? {}
      : {
          shadow_rules: rules(model, dryRun, action, layer),
          shadow_rules_stat_prefix: `istio_dry_run_${action.toLowerCase()}_`,
        }),
  };
}

/** A policy without rules: ALLOW lets nobody in by it, DENY refuses nobody. */
const matchesNever: RbacPolicy = {
  permissions: [{ not_rule: { any: true } }],
  principals: [{ not_id: { any: true } }],
};

function rules(
  model: MeshModel,
  policies: readonly KubeObject[],
  action: 'ALLOW' | 'DENY',
  layer: 'http' | 'tcp',
): RbacRules {
  const named: Record<string, RbacPolicy> = {};
  for (const policy of policies) {
    const { namespace, name } = policy.metadata;
    const label = (index: number): string => `ns[${namespace ?? 'default'}]-policy[${name}]-rule[${index}]`;
    const list = specOf(policy).rules;
    const entries = Array.isArray(list) ? list : [];
    if (entries.length === 0) named[label(0)] = matchesNever;
    for (const [index, rule] of entries.entries()) {
      const built = ruleToPolicy(isFields(rule) ? rule : {}, { action, layer, config: model.config });
      if (built !== undefined) named[label(index)] = built;
    }
  }
  return { ...(action === 'DENY' ? { action } : {}), policies: named };
}
