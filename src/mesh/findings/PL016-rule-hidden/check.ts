/**
 * PL016: a DestinationRule with TLS settings that clients do not get, because another rule for the host stands before it: one in their own namespace, or an older
 * one for the same host in the same namespace (istio.io, "DestinationRule", configuration scoping and merging).
 */
import { clusterPolicy } from '../../../istio/client-tls.ts';
import type { DestinationRule } from '../../../istio/destination-rule.ts';
import { findDestinationRules, type MergedRule } from '../../../istio/destination-rule-lookup.ts';
import { clientClasses } from '../../client-classes.ts';
import { ruleFor } from '../../cluster.ts';
import type { MeshHost } from '../../host.ts';
import { controlPlaneOf, type Mesh, type Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import { destinationRuleHosts } from '../ruled-hosts.ts';
import { count, list, nameOf, verb, workloadRefs } from '../wording.ts';

type Rule = Read<DestinationRule>;
type Merged = MergedRule<Rule>;

export function ruleHidden(mesh: Mesh): readonly Finding[] {
  // Two rules at least are needed for one to hide another.
  if (mesh.destinationRules.length < 2) return [];
  return [...hiddenByClients(mesh), ...lostInMerge(mesh)];
}

interface Hidden {
  readonly by: Rule;
  readonly hosts: Set<string>;
  readonly clients: Set<Workload>;
}

/** Rules of the service's or the root namespace that clients do not get, because their own namespace has one for the host. */
function hiddenByClients(mesh: Mesh): readonly Finding[] {
  const found = new Map<Rule, Map<Rule, Hidden>>();
  const names = destinationRuleHosts(mesh);
  for (const host of mesh.hosts.values()) {
    // Only a rule of another namespace than the service's can hide one from anybody.
    if (!names.namespacesNaming(host.host).some((namespace) => namespace !== host.namespace)) continue;
    for (const { representative, clients } of clientClasses(mesh, host.host)) {
      if (representative.dataplane !== 'sidecar') continue;
      const plane = controlPlaneOf(mesh, representative.revision);
      const used = ruleFor(plane, representative, host);
      if (used?.scope !== 'client' || representative.namespace === host.namespace) continue;
      const others = rulesOfOwner(mesh, representative, host);
      const by = used.rule.from[0];
      for (const merged of others) {
        const rule = merged.trafficPolicy?.rule;
        if (rule === undefined || by === undefined || !differs(merged, used.rule, host)) continue;
        note(found, rule, by, host.host, clients);
      }
    }
  }
  return [...found].flatMap(([rule, hiders]) =>
    [...hiders.values()].map((hidden) => hiddenFinding(rule, hidden)),
  );
}

/** What a client without a rule of its own would use: the service's namespace first, then the root's. */
function rulesOfOwner(mesh: Mesh, client: Workload, host: MeshHost): readonly Merged[] {
  const plane = controlPlaneOf(mesh, client.revision);
  const byNamespace = new Map(plane.rules.byNamespace);
  byNamespace.delete(client.namespace);
  return (
    findDestinationRules({ ...plane.rules, byNamespace }, host.host, host.namespace, client.namespace)
      ?.rules ?? []
  );
}

/** True when the two rules make clients send something else on some port. */
function differs(a: Merged, b: Merged, host: MeshHost): boolean {
  return host.ports.some(
    ({ port }) => clusterPolicy(a, port).tls?.tls.mode !== clusterPolicy(b, port).tls?.tls.mode,
  );
}

function note(
  found: Map<Rule, Map<Rule, Hidden>>,
  rule: Rule,
  by: Rule,
  host: string,
  clients: readonly Workload[],
): void {
  let hiders = found.get(rule);
  if (hiders === undefined) {
    hiders = new Map();
    found.set(rule, hiders);
  }
  let hidden = hiders.get(by);
  if (hidden === undefined) {
    hidden = { by, hosts: new Set(), clients: new Set() };
    hiders.set(by, hidden);
  }
  hidden.hosts.add(host);
  for (const client of clients) hidden.clients.add(client);
}

function hiddenFinding(rule: Rule, { by, hosts, clients }: Hidden): Finding {
  const number = clients.size;
  return finding('PL016', rule, {
    message: `DestinationRule ${nameOf(rule.ref)} does not reach ${count(number, 'client workload')} of namespace ${by.namespace}: ${nameOf(by.ref)} (host ${by.host}) stands before it for ${list([...hosts], 2)}.`,
    field: 'spec.host',
    why: `A rule in the client's own namespace hides all others for the host, even by a wildcard and without a word about TLS; ${verb(number, 'this client does', 'these clients do')} not get the TLS settings that are written here.`,
    fix: {
      text: `Write the TLS settings into ${nameOf(by.ref)} as well, or narrow its host.`,
      changes: [],
    },
    related: [related(by, 'is used instead')],
    affected: workloadRefs(clients),
  });
}

/** Of several rules for one host in one namespace only the first `trafficPolicy` counts, whole. */
function lostInMerge(mesh: Mesh): readonly Finding[] {
  const lost = new Map<Rule, Merged>();
  const plane = controlPlaneOf(mesh, mesh.config.revision);
  for (const rules of plane.rules.byNamespace.values()) {
    for (const index of [rules.local, rules.exported, rules.privateOnly]) {
      for (const merged of [...index.entries()].flatMap(([, entry]) => entry)) {
        for (const rule of merged.from) {
          const used = merged.trafficPolicy?.rule;
          if (used !== undefined && used !== rule && setsTls(rule)) lost.set(rule, merged);
        }
      }
    }
  }
  return [...lost].map(([rule, merged]) => lostFinding(rule, merged));
}

function setsTls({ trafficPolicy }: DestinationRule): boolean {
  return (
    trafficPolicy?.tls !== undefined || (trafficPolicy?.ports.some(({ tls }) => tls !== undefined) ?? false)
  );
}

function lostFinding(rule: Rule, merged: Merged): Finding {
  const used = merged.trafficPolicy?.rule ?? rule;
  const same = used.trafficPolicy?.tls?.mode === rule.trafficPolicy?.tls?.mode;
  return finding('PL016', rule, {
    severity: same ? 'info' : 'warning',
    message: `The trafficPolicy of DestinationRule ${nameOf(rule.ref)} is not used: ${nameOf(used.ref)} is for the same host, ${merged.host}, and comes first.`,
    field: 'spec.trafficPolicy',
    why: 'Rules for one host in one namespace are read as one; their subsets are put together, but of their traffic policies only that of the oldest rule counts, whole.',
    fix: {
      text: `Keep one rule for the host: move what is needed into ${nameOf(used.ref)} and remove the trafficPolicy here.`,
      changes: [{ kind: 'merge-patch', target: rule.ref, patch: { spec: { trafficPolicy: null } } }],
    },
    related: [related(used, 'comes first')],
  });
}
