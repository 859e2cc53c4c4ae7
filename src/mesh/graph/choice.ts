/** "What if this were STRICT?": the one PeerAuthentication that would say so, made from what is there. */
import { type Fields, isFields } from '../../istio/fields.ts';
import type { KubeObject, ObjectRef } from '../../istio/kubernetes.ts';
import type { MtlsMode } from '../../istio/peer-authentication.ts';
import { matchesLabels } from '../../istio/selector.ts';
import { volatileLabels } from '../group-pods.ts';
import { composedMode } from '../inbound.ts';
import type { Mesh } from '../mesh.ts';
import type { Workload } from '../workload.ts';

export type Choice =
  | { readonly level: 'mesh'; readonly mode: MtlsMode }
  | { readonly level: 'namespace'; readonly namespace: string; readonly mode: MtlsMode }
  | { readonly level: 'workload'; readonly workload: string; readonly mode: MtlsMode }
  | { readonly level: 'port'; readonly workload: string; readonly port: number; readonly mode: MtlsMode };

export interface ChosenPolicy {
  readonly manifest: KubeObject;
  /** The policy is there already and would be changed: a second one at its level would be ignored, the oldest counts. */
  readonly changes: boolean;
  /** Other workloads that the same policy selects: they change too. Sorted names. */
  readonly alsoSelects: readonly string[];
}

/** @returns undefined where the choice names a workload that the mesh does not have. */
export function chosenPolicy(mesh: Mesh, choice: Choice): ChosenPolicy | undefined {
  const { rootNamespace } = mesh.config;
  switch (choice.level) {
    case 'mesh':
      return levelPolicy(mesh, rootNamespace, mesh.policies.mesh[0]?.ref, choice.mode);
    case 'namespace':
      return choice.namespace === rootNamespace
        ? levelPolicy(mesh, rootNamespace, mesh.policies.mesh[0]?.ref, choice.mode)
        : levelPolicy(
            mesh,
            choice.namespace,
            mesh.policies.namespace.get(choice.namespace)?.[0]?.ref,
            choice.mode,
          );
    case 'workload':
    case 'port': {
      const workload = mesh.workloads.find(({ id }) => id === choice.workload);
      if (workload === undefined) return undefined;
      return workloadPolicy(mesh, workload, choice);
    }
  }
}

function levelPolicy(
  mesh: Mesh,
  namespace: string,
  present: ObjectRef | undefined,
  mode: MtlsMode,
): ChosenPolicy {
  const old = present === undefined ? undefined : rawPolicy(mesh, present);
  const manifest = policy({ kind: 'PeerAuthentication', namespace, name: present?.name ?? 'default' }, old, {
    mtls: { mode },
  });
  return { manifest, changes: old !== undefined, alsoSelects: [] };
}

function workloadPolicy(
  mesh: Mesh,
  workload: Workload,
  choice: Extract<Choice, { level: 'workload' | 'port' }>,
): ChosenPolicy {
  const present = composedMode(mesh, workload).levels.find(({ scope }) => scope === 'workload')?.policy;
  const old = present === undefined ? undefined : rawPolicy(mesh, present.ref);
  const oldSpec: Fields = isFields(old?.spec) ? old.spec : {};
  const labels = present?.selector.labels ?? selectorFor(mesh, workload);
  const ports: Fields = isFields(oldSpec.portLevelMtls) ? oldSpec.portLevelMtls : {};
  const spec: Fields = {
    ...(old === undefined ? { selector: { matchLabels: labels } } : {}),
    ...(choice.level === 'workload'
      ? { mtls: { mode: choice.mode } }
      : { portLevelMtls: { ...ports, [choice.port]: { mode: choice.mode } } }),
  };
  const ref = {
    kind: 'PeerAuthentication',
    namespace: workload.namespace,
    name: present?.name ?? freeName(mesh, workload),
  };
  const others = mesh.workloads.filter(
    (one) =>
      one.namespace === workload.namespace && one.name !== workload.name && matchesLabels(labels, one.labels),
  );
  return {
    manifest: policy(ref, old, spec),
    changes: old !== undefined,
    alsoSelects: [...new Set(others.map(({ name }) => name))].sort(),
  };
}

/** The fewest usual labels that select this workload and no other; else every label that its pods keep. */
function selectorFor(mesh: Mesh, workload: Workload): Readonly<Record<string, string>> {
  const kept = Object.entries(workload.labels).filter(
    ([key]) => !volatileLabels.has(key) && !key.includes('istio.io/'),
  );
  const inNamespace = mesh.workloads.filter(
    ({ namespace, name }) => namespace === workload.namespace && name !== workload.name,
  );
  const usual = ['app', 'app.kubernetes.io/name', 'k8s-app', 'app.kubernetes.io/instance'];
  for (const label of usual) {
    const value = workload.labels[label];
    if (value === undefined) continue;
    const selector = { [label]: value };
    if (!inNamespace.some(({ labels }) => matchesLabels(selector, labels))) return selector;
  }
  return Object.fromEntries(kept);
}

function freeName(mesh: Mesh, { namespace, name }: Workload): string {
  const taken = new Set(
    mesh.peerAuthentications.filter((one) => one.namespace === namespace).map((one) => one.name),
  );
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
  return free;
}

function rawPolicy(mesh: Mesh, { namespace, name }: ObjectRef): KubeObject | undefined {
  return mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === 'PeerAuthentication' &&
      (object.metadata.namespace ?? 'default') === namespace &&
      object.metadata.name === name,
  )?.object;
}

/** What a person would apply: what the policy says today with the change, without what the API server adds. */
function policy(ref: ObjectRef, old: KubeObject | undefined, change: Fields): KubeObject {
  const oldSpec: Fields = isFields(old?.spec) ? old.spec : {};
  const labels = old?.metadata.labels;
  return {
    apiVersion: old?.apiVersion ?? 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: {
      name: ref.name,
      ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: { ...oldSpec, ...change },
  };
}
