/**
 * Which DestinationRule a client's proxy uses for a host. Rules of one namespace and host are first merged (or kept apart);
 * then the client's namespace, the service's and the root namespace are asked in turn, and the first that answers wins whole
 * (istio.io, "DestinationRule" and "Configuration scoping"; order as observed in istiod).
 */
import type { DestinationRule, Subset, TrafficPolicy } from './destination-rule.ts';
import type { StringMap } from './fields.ts';
import { fullHost, HostIndex } from './hostname.ts';
import type { MeshConfig } from './mesh-config.ts';
import { byCreation } from './metadata.ts';
import { matchesLabels } from './selector.ts';

/** One or more rules for one host in one namespace, read as one. */
export interface MergedRule<Rule extends DestinationRule = DestinationRule> {
  /** In full, see `fullHost`. */
  readonly host: string;
  readonly namespace: string;
  /** The rules that it is made of, the one that leads first. */
  readonly from: readonly Rule[];
  readonly exportTo: ReadonlySet<string>;
  /** Labels of the clients that it is for; absent for all clients. */
  readonly selector?: StringMap;
  /** The first policy among `from`, whole, and the rule it stands in. */
  readonly trafficPolicy?: { readonly policy: TrafficPolicy; readonly rule: Rule };
  readonly subsets: readonly { readonly subset: Subset; readonly rule: Rule }[];
}

/** Merged rules of one namespace by host. */
type RulesByHost<Rule extends DestinationRule> = HostIndex<MergedRule<Rule>[]>;

/** What one namespace says to its own clients, and to others. */
interface NamespaceRules<Rule extends DestinationRule> {
  readonly local: RulesByHost<Rule>;
  readonly exported: RulesByHost<Rule>;
  /** Rules that never leave the namespace: all that a client in the root namespace sees of its own. */
  readonly privateOnly: RulesByHost<Rule>;
}

export interface DestinationRuleIndex<Rule extends DestinationRule = DestinationRule> {
  readonly byNamespace: ReadonlyMap<string, NamespaceRules<Rule>>;
  readonly rootNamespace: string;
}

/** Sorts, merges and indexes rules. Rules with a workload selector come first, then the oldest (by name within one second). */
export function indexDestinationRules<Rule extends DestinationRule>(
  rules: readonly Rule[],
  config: MeshConfig,
): DestinationRuleIndex<Rule> {
  const byNamespace = new Map<string, NamespaceRules<Rule>>();
  const sorted = [...rules].sort(
    (a, b) => Number(b.selector.present) - Number(a.selector.present) || byCreation(a, b),
  );
  for (const rule of sorted) {
    let own = byNamespace.get(rule.namespace);
    if (own === undefined) {
      own = { local: new HostIndex(), exported: new HostIndex(), privateOnly: new HostIndex() };
      byNamespace.set(rule.namespace, own);
    }
    const exportTo = new Set(rule.selector.present ? ['.'] : rule.exportTo);
    if (exportTo.size === 0 || exportTo.has('*') || exportTo.has('.') || exportTo.has(rule.namespace)) {
      merge(own.local, rule, exportTo, config);
    }
    merge(
      isPrivate(exportTo, rule.namespace, config) ? own.privateOnly : own.exported,
      rule,
      exportTo,
      config,
    );
  }
  return { byNamespace, rootNamespace: config.rootNamespace };
}

function isPrivate(exportTo: ReadonlySet<string>, namespace: string, config: MeshConfig): boolean {
  if (exportTo.size === 0) return config.defaultDestinationRuleExportTo.includes('.');
  return exportTo.size === 1 && (exportTo.has('.') || exportTo.has(namespace));
}

function asMerged<Rule extends DestinationRule>(
  rule: Rule,
  host: string,
  exportTo: ReadonlySet<string>,
): MergedRule<Rule> {
  return {
    host,
    namespace: rule.namespace,
    from: [rule],
    exportTo,
    ...(rule.selector.present ? { selector: rule.selector.labels ?? {} } : {}),
    ...(rule.trafficPolicy === undefined ? {} : { trafficPolicy: { policy: rule.trafficPolicy, rule } }),
    subsets: rule.subsets.map((subset) => ({ subset, rule })),
  };
}

/**
 * Adds a rule to those of its host. It is poured into every earlier one that is exported to the same namespaces (or to fewer
 * of them) and has no other selector; whether it also stands by itself is decided by the last one it was held against.
 */
function merge<Rule extends DestinationRule>(
  index: RulesByHost<Rule>,
  rule: Rule,
  exportTo: ReadonlySet<string>,
  config: MeshConfig,
): void {
  const host = fullHost(rule.host, rule.namespace, config.shortNameDomain);
  const present = index.get(host);
  const single = asMerged(rule, host, exportTo);
  if (present === undefined) {
    index.set(host, [single]);
    return;
  }
  let apart = true;
  for (const [position, earlier] of present.entries()) {
    const relation = exportRelation(earlier.exportTo, exportTo);
    apart = relation !== 'same';
    if (relation === 'other') continue;
    const selectors = selectorRelation(earlier.selector, single.selector);
    if (selectors === 'different') {
      apart = true;
      continue;
    }
    if (selectors === 'same') apart = false;
    present[position] = pour(earlier, single);
  }
  if (apart) present.push(single);
}

/** How a new rule's export relates to an earlier one's: the lists are compared as sets of words, `*` is one of them. */
function exportRelation(
  earlier: ReadonlySet<string>,
  later: ReadonlySet<string>,
): 'same' | 'wider' | 'other' {
  const covers = [...earlier].every((entry) => later.has(entry));
  if (covers && earlier.size === later.size) return 'same';
  return covers && earlier.size > 0 ? 'wider' : 'other';
}

function selectorRelation(
  earlier: StringMap | undefined,
  later: StringMap | undefined,
): 'same' | 'different' | 'one' {
  if (earlier === undefined && later === undefined) return 'same';
  if (earlier === undefined || later === undefined) return 'one';
  const same = Object.keys(earlier).length === Object.keys(later).length && matchesLabels(earlier, later);
  return same ? 'same' : 'different';
}

/** The earlier rule with the later one's new subsets, and its traffic policy where it had none. */
function pour<Rule extends DestinationRule>(
  earlier: MergedRule<Rule>,
  later: MergedRule<Rule>,
): MergedRule<Rule> {
  const names = new Set(earlier.subsets.map(({ subset }) => subset.name));
  const policy = earlier.trafficPolicy ?? later.trafficPolicy;
  return {
    ...earlier,
    from: [...earlier.from, ...later.from],
    ...(policy === undefined ? {} : { trafficPolicy: policy }),
    subsets: [...earlier.subsets, ...later.subsets.filter(({ subset }) => !names.has(subset.name))],
  };
}

/** Where a rule was found. */
export type RuleScope = 'client' | 'service' | 'root';

export interface FoundRules<Rule extends DestinationRule = DestinationRule> {
  readonly scope: RuleScope;
  /** All rules of the winning host in the winning namespace that the client's namespace may see. */
  readonly rules: readonly MergedRule<Rule>[];
}

/** The rules that clients of a namespace have for a service; undefined when no namespace has one for them. */
export function findDestinationRules<Rule extends DestinationRule>(
  index: DestinationRuleIndex<Rule>,
  host: string,
  serviceNamespace: string,
  clientNamespace: string,
): FoundRules<Rule> | undefined {
  const own = index.byNamespace.get(clientNamespace);
  // The root namespace holds rules for everybody; its own clients heed only those that it keeps to itself.
  const local = clientNamespace === index.rootNamespace ? own?.privateOnly : own?.local;
  const found = local?.closest(host);
  if (found !== undefined) return { scope: 'client', rules: found.entry };
  const scopes: readonly [RuleScope, string][] = [
    ['service', serviceNamespace],
    ['root', index.rootNamespace],
  ];
  for (const [scope, namespace] of scopes) {
    const exported = index.byNamespace.get(namespace)?.exported.closest(host);
    // The closest host is taken before its export is looked at: a wildcard beside it is not tried again.
    const rules = exported?.entry.filter((rule) => isExported(rule.exportTo, clientNamespace)) ?? [];
    if (rules.length > 0) return { scope, rules };
  }
  return undefined;
}

function isExported(exportTo: ReadonlySet<string>, client: string): boolean {
  return exportTo.size === 0 || exportTo.has('*') || exportTo.has(client);
}

/**
 * The one rule for a client among those found: the first whose workload selector matches the client's pod (only rules of the
 * client's own namespace have that right), else the last without a selector.
 */
export function chooseRule<Rule extends DestinationRule>(
  rules: readonly MergedRule<Rule>[],
  clientNamespace: string,
  clientLabels: StringMap,
): MergedRule<Rule> | undefined {
  let forAll: MergedRule<Rule> | undefined;
  for (const rule of rules) {
    if (rule.selector === undefined) forAll = rule;
    else if (rule.namespace === clientNamespace && matchesLabels(rule.selector, clientLabels)) return rule;
  }
  return forAll;
}
