/**
 * The effective mode of a workload's ports: mesh -> namespace -> workload -> port, the oldest policy of each level alone, and
 * UNSET inherits (istio.io, PeerAuthentication).
 */
import type { StringMap } from './fields.ts';
import { byCreation } from './metadata.ts';
import type { DeclaredMode, MtlsMode, PeerAuthentication } from './peer-authentication.ts';
import { matchesLabels } from './selector.ts';

/** The level whose policy decided. */
export type Scope = 'default' | 'mesh' | 'namespace' | 'workload' | 'port';

/** Why a policy that could have counted does not. */
export type BeatenBy = 'older' | 'selector-in-root-namespace';

/** Policies by level, oldest first in each list. */
export interface PolicyIndex<Policy extends PeerAuthentication = PeerAuthentication> {
  readonly rootNamespace: string;
  readonly mesh: readonly Policy[];
  /** Policies without a selector. */
  readonly namespace: ReadonlyMap<string, readonly Policy[]>;
  /** Policies with a selector; those of the root namespace count nowhere. */
  readonly workload: ReadonlyMap<string, readonly Policy[]>;
}

export function indexPolicies<Policy extends PeerAuthentication>(
  policies: readonly Policy[],
  rootNamespace: string,
): PolicyIndex<Policy> {
  const mesh: Policy[] = [];
  const namespace = new Map<string, Policy[]>();
  const workload = new Map<string, Policy[]>();
  for (const policy of [...policies].sort(byCreation)) {
    const selects = policy.selector.labels !== undefined;
    if (!selects && policy.namespace === rootNamespace) mesh.push(policy);
    else append(selects ? workload : namespace, policy.namespace, policy);
  }
  return { rootNamespace, mesh, namespace, workload };
}

function append<Item>(map: Map<string, Item[]>, key: string, item: Item): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

/** What one level had to say. */
export interface Level<Policy extends PeerAuthentication = PeerAuthentication> {
  readonly scope: 'mesh' | 'namespace' | 'workload';
  /** The oldest policy of the level. It holds the level even when it says UNSET. */
  readonly policy: Policy;
  readonly mode: DeclaredMode;
  /** Younger policies of the level: ignored as a whole, port level included. */
  readonly beaten: readonly Policy[];
}

export interface ComposedMode<Policy extends PeerAuthentication = PeerAuthentication> {
  /** The mode of every port without a word of its own. */
  readonly mode: MtlsMode;
  readonly scope: Scope;
  /** Mesh, namespace, workload: those that have a policy. */
  readonly levels: readonly Level<Policy>[];
  /** Policies with a selector in the root namespace that match the workload and do nothing. */
  readonly voided: readonly Policy[];
  /** Ports of the chosen workload policy, UNSET already resolved. */
  readonly ports: ReadonlyMap<number, { readonly mode: MtlsMode; readonly declared: DeclaredMode }>;
}

/** The policies that meet in one workload, by its namespace and its pods' labels. */
export function composeMode<Policy extends PeerAuthentication>(
  index: PolicyIndex<Policy>,
  namespace: string,
  labels: StringMap,
): ComposedMode<Policy> {
  const inRoot = namespace === index.rootNamespace;
  const matching = (space: string): readonly Policy[] =>
    (index.workload.get(space) ?? []).filter((policy) => matchesLabels(policy.selector.labels ?? {}, labels));
  const candidates: readonly (readonly [Level['scope'], readonly Policy[]])[] = [
    ['mesh', index.mesh],
    ['namespace', inRoot ? [] : (index.namespace.get(namespace) ?? [])],
    ['workload', inRoot ? [] : matching(namespace)],
  ];
  let mode: MtlsMode = 'PERMISSIVE';
  let scope: Scope = 'default';
  const levels: Level<Policy>[] = [];
  for (const [level, [policy, ...beaten]] of candidates) {
    if (policy === undefined) continue;
    levels.push({ scope: level, policy, mode: policy.mode, beaten });
    if (policy.mode === 'UNSET') continue;
    mode = policy.mode;
    scope = level;
  }
  const ports = new Map<number, { mode: MtlsMode; declared: DeclaredMode }>();
  const chosen = levels.find((level) => level.scope === 'workload');
  for (const [port, declared] of chosen?.policy.portLevel ?? []) {
    ports.set(port, { mode: declared === 'UNSET' ? mode : declared, declared });
  }
  return { mode, scope, levels, voided: matching(index.rootNamespace), ports };
}

/** The mode of one workload (target) port. */
export function modeOfPort(
  composed: ComposedMode,
  port: number,
): { readonly mode: MtlsMode; readonly scope: Scope } {
  const own = composed.ports.get(port);
  if (own === undefined || own.declared === 'UNSET')
    return { mode: own?.mode ?? composed.mode, scope: composed.scope };
  return { mode: own.mode, scope: 'port' };
}

/**
 * The mode of a namespace as clients see it: its own policy or the mesh's, selectors left out. A namespace policy that says
 * UNSET inherits the mesh's.
 */
export function namespaceMode(index: PolicyIndex, namespace: string): MtlsMode {
  return composeMode({ ...index, workload: new Map() }, namespace, {}).mode;
}
