/**
 * Which DestinationRule a client goes by for a host (pilot/pkg/model/push_context.go and destination_rule.go): three
 * namespaces are asked in turn, in each the most specific host wins, and the first hit is final.
 */
import type { DestinationRule, Subset, TrafficPolicy } from '../../../istio/destination-rule.ts';
import type { StringMap } from '../../../istio/fields.ts';
import { fullHost, HostIndex } from '../../../istio/hostname.ts';
import type { MeshConfig } from '../../../istio/mesh-config.ts';
import { matchesLabels } from '../../../istio/selector.ts';

/** One rule, or several of one host and namespace that were merged. */
export interface ConsolidatedRule {
  /** The first of them names the whole. */
  readonly name: string;
  readonly namespace: string;
  readonly selector: StringMap | undefined;
  readonly exportTo: ReadonlySet<string>;
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly Subset[];
}

type RulesByHost = HostIndex<ConsolidatedRule[]>;

export interface DestinationRuleIndex {
  readonly rootNamespace: string;
  /** What the clients of a namespace see of their own. */
  readonly local: ReadonlyMap<string, RulesByHost>;
  /** What others see. */
  readonly exported: ReadonlyMap<string, RulesByHost>;
  /** Private rules of the root namespace, for clients that live there. */
  readonly rootLocal: RulesByHost;
}

/** @param rules oldest first. */
export function buildDestinationRuleIndex(
  rules: readonly DestinationRule[],
  config: MeshConfig,
): DestinationRuleIndex {
  const local = new Map<string, RulesByHost>();
  const exported = new Map<string, RulesByHost>();
  const rootLocal: RulesByHost = new HostIndex();
  const hasSelector = (rule: DestinationRule): boolean => rule.selector.labels !== undefined;
  const ordered = [...rules.filter(hasSelector), ...rules.filter((rule) => !hasSelector(rule))];
  for (const rule of ordered) {
    const { namespace } = rule;
    // A rule for some of the clients is nobody else's business.
    const exportTo = new Set(hasSelector(rule) ? ['.'] : rule.exportTo);
    const forOwn = exportTo.size === 0 || ['*', '.', namespace].some((entry) => exportTo.has(entry));
    if (forOwn) merge(at(local, namespace), rule, exportTo, config);
    const isPrivate =
      exportTo.size === 0
        ? config.defaultDestinationRuleExportTo.includes('.')
        : exportTo.size === 1 && (exportTo.has('.') || exportTo.has(namespace));
    if (!isPrivate) merge(at(exported, namespace), rule, exportTo, config);
    else if (namespace === config.rootNamespace) merge(rootLocal, rule, exportTo, config);
  }
  return { rootNamespace: config.rootNamespace, local, exported, rootLocal };
}

/** The rule for a client of this namespace with these labels; undefined where there is none. */
export function destinationRuleFor(
  index: DestinationRuleIndex,
  client: { readonly namespace: string; readonly labels: StringMap },
  service: { readonly host: string; readonly namespace: string },
): ConsolidatedRule | undefined {
  return choose(candidates(index, client.namespace, service), client);
}

function candidates(
  index: DestinationRuleIndex,
  client: string,
  service: { readonly host: string; readonly namespace: string },
): readonly ConsolidatedRule[] {
  const own = client === index.rootNamespace ? index.rootLocal : index.local.get(client);
  const first = own?.closest(service.host)?.entry;
  if (first !== undefined) return first;
  for (const namespace of [service.namespace, index.rootNamespace]) {
    const found = index.exported.get(namespace)?.closest(service.host)?.entry;
    const visible = found?.filter((rule) => isVisible(rule, client)) ?? [];
    if (visible.length > 0) return visible;
  }
  return [];
}

function isVisible({ exportTo, namespace }: ConsolidatedRule, client: string): boolean {
  if (exportTo.size === 0 || exportTo.has('*') || exportTo.has(client)) return true;
  return exportTo.has('.') && namespace === client;
}

/** A rule that selects the client, else the last one for everybody. */
function choose(
  rules: readonly ConsolidatedRule[],
  client: { readonly namespace: string; readonly labels: StringMap },
): ConsolidatedRule | undefined {
  const selected = rules.find(
    ({ selector, namespace }) =>
      selector !== undefined && namespace === client.namespace && matchesLabels(selector, client.labels),
  );
  return selected ?? rules.findLast(({ selector }) => selector === undefined);
}

function at(index: Map<string, RulesByHost>, namespace: string): RulesByHost {
  let rules = index.get(namespace);
  if (rules === undefined) {
    rules = new HostIndex();
    index.set(namespace, rules);
  }
  return rules;
}

/** Adds a rule, or merges it into those of its host that are exported alike and select the same clients. */
function merge(
  index: RulesByHost,
  rule: DestinationRule,
  exportTo: ReadonlySet<string>,
  config: MeshConfig,
): void {
  const host = fullHost(rule.host, rule.namespace, config.shortNameDomain);
  const known = index.get(host);
  const incoming: ConsolidatedRule = {
    name: rule.name,
    namespace: rule.namespace,
    selector: rule.selector.labels,
    exportTo,
    trafficPolicy: rule.trafficPolicy,
    subsets: rule.subsets,
  };
  if (known === undefined) {
    index.set(host, [incoming]);
    return;
  }
  let separate = true;
  for (const [position, existing] of known.entries()) {
    const bothSelect = incoming.selector !== undefined && existing.selector !== undefined;
    if (bothSelect && !sameLabels(incoming.selector, existing.selector)) continue;
    if (!sameSet(exportTo, existing.exportTo)) continue;
    separate = false;
    const names = new Set(existing.subsets.map((subset) => subset.name));
    known[position] = {
      ...existing,
      subsets: [...existing.subsets, ...incoming.subsets.filter((subset) => !names.has(subset.name))],
      trafficPolicy: existing.trafficPolicy ?? incoming.trafficPolicy,
    };
  }
  if (separate) known.push(incoming);
}

function sameLabels(a: StringMap | undefined, b: StringMap | undefined): boolean {
  const left = Object.entries(a ?? {});
  return left.length === Object.keys(b ?? {}).length && left.every(([key, value]) => b?.[key] === value);
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
