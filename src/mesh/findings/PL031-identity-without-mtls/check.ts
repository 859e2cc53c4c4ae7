/**
 * PL031: an AuthorizationPolicy that rests on the client's identity where plaintext is accepted. A plaintext request has no identity: a DENY on
 * principals passes it by, an ALLOW on `not...` fields lets it in (istio.io, AuthorizationPolicy: fields that require mutual TLS).
 */
import type {
  AuthorizationPolicy,
  AuthorizationRule,
  IdentityField,
} from '../../../istio/authorization-policy.ts';
import { inbound, portsOf } from '../../inbound.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding, Fix } from '../finding.ts';
import { selectedWorkloads } from '../selected-workloads.ts';
import { strictFor } from '../strict-policy.ts';
import { count, list, nameOf, workloadRefs } from '../wording.ts';

type Policy = Read<AuthorizationPolicy>;

/** What plaintext does to a rule with an identity field. */
type Effect = 'bypassed' | 'let-in' | 'refused';

interface Weak {
  readonly identity: IdentityField;
  readonly effect: Effect;
  readonly workloads: readonly Workload[];
}

export function identityWithoutMtls(mesh: Mesh): readonly Finding[] {
  return mesh.authorizationPolicies.flatMap((policy) => {
    // Attached to gateways and waypoints, which plaintext does not reach by these policies' rules.
    if (policy.targets.length > 0 || policy.action === 'AUDIT' || policy.action === 'CUSTOM') return [];
    if (policy.action === 'DENY' && policy.rules.some(deniesPlaintext)) return [];
    const reach = reachOf(mesh, policy);
    const weak = policy.rules.flatMap((rule) => weaknessOf(mesh, policy, rule, reach));
    const worst = weak.find(({ effect }) => effect !== 'refused') ?? weak[0];
    return worst === undefined ? [] : [oneFinding(mesh, policy, worst)];
  });
}

function reachOf(mesh: Mesh, policy: Policy): readonly Workload[] {
  const labels = policy.selector.labels ?? {};
  if (policy.namespace !== mesh.config.rootNamespace)
    return selectedWorkloads(mesh, policy.namespace, labels);
  const namespaces = new Set(mesh.workloads.map(({ namespace }) => namespace));
  return [...namespaces].flatMap((namespace) => selectedWorkloads(mesh, namespace, labels));
}

/** A rule that turns every request without an identity away, as `notPrincipals: ["*"]` does. */
function deniesPlaintext({ identity, ports }: AuthorizationRule): boolean {
  return (
    ports.length === 0 &&
    identity.length === 1 &&
    identity.every(
      ({ negative, values, field }) => negative && values.includes('*') && field.endsWith('notPrincipals'),
    )
  );
}

function weaknessOf(
  mesh: Mesh,
  policy: Policy,
  rule: AuthorizationRule,
  reach: readonly Workload[],
): readonly Weak[] {
  const positive = rule.identity.find(({ negative }) => !negative);
  const identity = positive ?? rule.identity[0];
  if (identity === undefined) return [];
  // A DENY on `not...` fields matches plaintext and refuses it: just what it is for.
  if (policy.action === 'DENY' && positive === undefined) return [];
  const workloads = reach.filter((workload) => acceptsPlaintext(mesh, workload, rule.ports));
  if (workloads.length === 0) return [];
  const effect = policy.action === 'DENY' ? 'bypassed' : positive === undefined ? 'let-in' : 'refused';
  return [{ identity, effect, workloads }];
}

function acceptsPlaintext(mesh: Mesh, workload: Workload, ports: readonly number[]): boolean {
  if (workload.dataplane !== 'sidecar' && workload.dataplane !== 'ambient') return false;
  const asked = ports.length > 0 ? ports : portsOf(mesh, workload);
  return asked.some((port) => {
    const row = inbound(mesh, workload, port);
    // Past the sidecar no policy is enforced at all, which is another finding.
    return row.captured && row.plaintext;
  });
}

function oneFinding(mesh: Mesh, policy: Policy, { identity, effect, workloads }: Weak): Finding {
  const field = identity.field.split('.').at(-1) ?? identity.field;
  const where = `${count(workloads.length, 'workload')} that also accept${workloads.length === 1 ? 's' : ''} plaintext`;
  const says = {
    bypassed: `it denies by ${field} on ${where}: a plaintext request has no identity and passes`,
    'let-in': `it allows by ${field} on ${where}: a plaintext request has no identity and is let in`,
    refused: `it allows by ${field} on ${where}: plaintext requests never match it and get 403`,
  }[effect];
  const why = {
    bypassed: 'Whoever is denied only needs to call without a sidecar.',
    'let-in': 'Whoever is kept out only needs to call without a sidecar.',
    refused:
      'The callers that PERMISSIVE is kept for are refused here all the same, and a rule that lets them in would let anybody in.',
  }[effect];
  return finding('PL031', policy, {
    severity: effect === 'refused' ? 'warning' : policy.dryRun ? 'info' : 'error',
    message: `AuthorizationPolicy ${nameOf(policy.ref)} needs an identity: ${says}.`,
    field: identity.field,
    why,
    fix: fixFor(mesh, policy, effect, workloads),
    affected: workloadRefs(workloads),
  });
}

function fixFor(mesh: Mesh, policy: Policy, effect: Effect, workloads: readonly Workload[]): Fix {
  if (effect === 'bypassed') {
    return {
      text: 'Set STRICT for these workloads; until then, deny every request without an identity as well, which this patch does.',
      changes: [
        {
          kind: 'json-patch',
          target: policy.ref,
          operations: [
            { op: 'add', path: '/spec/rules/-', value: { from: [{ source: { notPrincipals: ['*'] } }] } },
          ],
        },
      ],
    };
  }
  const names = [...new Set(workloads.map(({ namespace }) => namespace))];
  return {
    text: `Set STRICT for ${policy.selector.labels === undefined ? list(names) : 'these workloads'} once \`padlock plan\` finds nobody who still sends plaintext.`,
    changes: names.flatMap((namespace) => strictFor(mesh, namespace, policy.selector.labels)),
  };
}
