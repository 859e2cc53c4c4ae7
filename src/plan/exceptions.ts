/** The narrowest exception: one port of one workload, with an owner, a reason and a last day. */
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import { matchesLabels } from '../istio/selector.ts';
import { list } from '../mesh/findings/wording.ts';
import { workloadSelectorLabels } from '../mesh/findings/workload-labels.ts';
import { composedMode } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import { asObject, asTextMap, dig } from '../sources/json-value.ts';

type Labels = Readonly<Record<string, string>>;

/** A port that somebody needs in plaintext. */
export interface Need {
  readonly workload: Workload;
  readonly port: number;
  /** `Deployment legacy/batch sends plaintext`. */
  readonly reason: string;
  /** Somebody was seen or is named by configuration; otherwise somebody may be. */
  readonly certain: boolean;
}

export interface Exception {
  readonly workload: ObjectRef;
  readonly policy: ObjectRef;
  /** Ports that must stay open, ascending, each with why. */
  readonly ports: readonly ExceptionReason[];
  /** Ports that may have to: not part of the manifest, told in its comments. */
  readonly possible: readonly ExceptionReason[];
  /** The whole object to apply; without any port where only possible ones are known. */
  readonly manifest: KubeObject;
  /** What stood before under the policy's name; absent for a new policy. */
  readonly before?: KubeObject;
  /** What a person must know before using it. */
  readonly notes: readonly string[];
}

export interface ExceptionReason {
  readonly port: number;
  readonly reasons: readonly string[];
}

export interface ExceptionTerms {
  /** Who answers for it; a team or a person. */
  readonly owner: string;
  /** The last day, `2027-02-24`. */
  readonly until: string;
}

/** One exception for each workload that needs one, by name. */
export function exceptionsFor(
  target: Mesh,
  needs: readonly Need[],
  terms: ExceptionTerms,
): readonly Exception[] {
  const byWorkload = Map.groupBy(needs, ({ workload }) => `${workload.kind}/${workload.name}`);
  return [...byWorkload.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => (own[0] === undefined ? [] : [oneException(target, own[0].workload, own, terms)]));
}

function oneException(
  target: Mesh,
  workload: Workload,
  needs: readonly Need[],
  terms: ExceptionTerms,
): Exception {
  const ports = byPort(needs.filter(({ certain }) => certain));
  const taken = new Set(ports.map(({ port }) => port));
  const possible = byPort(needs.filter(({ certain, port }) => !certain && !taken.has(port)));
  const { namespace, kind, name } = workload;
  const existing = existingPolicy(target, workload);
  const selector = existing === undefined ? narrowSelector(target, workload) : undefined;
  const notes: string[] = [];
  const shown = ports.length > 0 ? ports : possible;
  const manifest =
    existing === undefined
      ? newPolicy(workload, selector?.labels ?? {}, shown, terms)
      : extended(existing, shown, terms);
  if (existing !== undefined) {
    notes.push(
      `PeerAuthentication ${namespace}/${existing.metadata.name} counts for this workload already, and a second one would be ignored: this is the same policy with the port added`,
    );
  }
  const others = existing === undefined ? (selector?.others ?? []) : selectedBy(target, workload, existing);
  if (others.length > 0) notes.push(`its selector matches other workloads as well: ${list(others)}`);
  if (namespace === target.config.rootNamespace) {
    notes.push('in the root namespace Istio ignores policies with a selector: there is no exception here');
  }
  return {
    workload: { kind, namespace, name },
    policy: { kind: 'PeerAuthentication', namespace, name: manifest.metadata.name },
    ports,
    possible,
    manifest,
    ...(existing === undefined ? {} : { before: existing }),
    notes,
  };
}

function byPort(needs: readonly Need[]): readonly ExceptionReason[] {
  return [...Map.groupBy(needs, ({ port }) => port)]
    .toSorted(([a], [b]) => a - b)
    .map(([port, own]) => ({ port, reasons: [...new Set(own.map(({ reason }) => reason))] }));
}

/** The policy that decides for the workload by its selector, as it was read. */
function existingPolicy(target: Mesh, workload: Workload): KubeObject | undefined {
  const own = composedMode(target, workload).levels.find(({ scope }) => scope === 'workload');
  if (own === undefined) return undefined;
  const { name, namespace } = own.policy;
  const found = target.snapshot.objects.find(
    ({ object }) =>
      object.kind === 'PeerAuthentication' &&
      object.metadata.name === name &&
      object.metadata.namespace === namespace,
  );
  return found === undefined ? undefined : written(found.object);
}

/** The object as a person would write it: without what the API server adds. */
export function written(object: KubeObject): KubeObject {
  const { name, namespace, labels, annotations } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...(object.spec === undefined ? {} : { spec: object.spec }),
  };
}

function extended(policy: KubeObject, ports: readonly ExceptionReason[], terms: ExceptionTerms): KubeObject {
  const spec = asObject(policy.spec);
  return {
    ...policy,
    metadata: {
      ...policy.metadata,
      annotations: { ...policy.metadata.annotations, ...annotationsFor(ports, terms) },
    },
    spec: { ...spec, portLevelMtls: { ...asObject(spec.portLevelMtls), ...portLevel(ports) } },
  };
}

/** No mode of its own: the workload's other ports follow the namespace, so the exception may be applied before STRICT is. */
function newPolicy(
  { namespace, name }: Workload,
  matchLabels: Labels,
  ports: readonly ExceptionReason[],
  terms: ExceptionTerms,
): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: {
      name: `${name}-plaintext`.slice(-63).replace(/^[^a-z0-9]+/, ''),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'padlock' },
      annotations: annotationsFor(ports, terms),
    },
    spec: { selector: { matchLabels }, portLevelMtls: portLevel(ports) },
  };
}

function portLevel(ports: readonly ExceptionReason[]): Readonly<Record<string, { readonly mode: string }>> {
  return Object.fromEntries(ports.map(({ port }) => [String(port), { mode: 'PERMISSIVE' }]));
}

/** The guard asks for the first two; `padlock check` reads the others: quiet until its day, and a finding from then on. */
function annotationsFor(ports: readonly ExceptionReason[], { owner, until }: ExceptionTerms): Labels {
  const reason = ports.map((one) => `port ${one.port}: ${one.reasons.join('; ')}`).join('. ');
  return {
    'padlock.dev/exception-owner': owner,
    'padlock.dev/exception-until': until,
    'padlock.dev/ignore': 'PL006',
    'padlock.dev/ignore-reason': reason.slice(0, 1000),
    'padlock.dev/ignore-until': until,
    // Argo CD sorts what it applies: the exceptions come before the policy that needs them.
    'argocd.argoproj.io/sync-wave': '-1',
  };
}

/** Labels that select the workload and, as far as labels can, nothing else of its namespace. */
function narrowSelector(
  mesh: Mesh,
  workload: Workload,
): { readonly labels: Labels; readonly others: readonly string[] } {
  const owner = mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === workload.kind &&
      object.metadata.namespace === workload.namespace &&
      object.metadata.name === workload.name,
  );
  const own = asTextMap(dig(owner?.object, 'spec', 'selector', 'matchLabels'));
  const stable = Object.keys(own).length > 0 ? own : workloadSelectorLabels(workload);
  let labels: Labels = stable;
  for (const [key, value] of Object.entries(lasting(workload))) {
    if (otherNames(mesh, workload, labels).length === 0) break;
    const narrower = { ...labels, [key]: value };
    if (otherNames(mesh, workload, narrower).length < otherNames(mesh, workload, labels).length) {
      labels = narrower;
    }
  }
  return { labels, others: otherNames(mesh, workload, labels) };
}

/** Labels that come from the pod template and stay from release to release. */
function lasting({ labels }: Workload): Labels {
  const passing =
    /^(pod-template-hash|controller-revision-hash|pod-template-generation|version|app\.kubernetes\.io\/version|istio\.io\/rev)$|^(service|security|topology)\.istio\.io\/|^topology\.kubernetes\.io\/|^(statefulset\.kubernetes\.io|apps\.kubernetes\.io|batch\.kubernetes\.io)\//;
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !passing.test(key)));
}

function otherNames(mesh: Mesh, workload: Workload, labels: Labels): readonly string[] {
  const matching = mesh.workloads.filter(
    (other) =>
      other.namespace === workload.namespace &&
      (other.kind !== workload.kind || other.name !== workload.name) &&
      matchesLabels(labels, other.labels),
  );
  return [...new Set(matching.map(({ kind, name }) => `${kind} ${name}`))];
}

function selectedBy(mesh: Mesh, workload: Workload, policy: KubeObject): readonly string[] {
  return otherNames(mesh, workload, asTextMap(dig(policy, 'spec', 'selector', 'matchLabels')));
}
