/**
 * The one field to change: candidates by what settled an answer, each carried out on a copy of what was read and evaluated again,
 * so that nothing is proposed that does not lead where it says.
 */
import { parse, stringify } from 'yaml';
import type { TlsBlock } from '../../istio/client-tls.ts';
import type { DestinationRule } from '../../istio/destination-rule.ts';
import { isFields } from '../../istio/fields.ts';
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import type { DeclaredMode, PeerAuthentication } from '../../istio/peer-authentication.ts';
import { type Cluster, endpointMode } from '../cluster.ts';
import type { Edge } from '../edge.ts';
import { endpointsOf } from '../endpoints.ts';
import { applyChange } from '../findings/apply-change.ts';
import type { FixChange, Json } from '../findings/finding.ts';
import { removeBlock } from '../findings/rule-troubles.ts';
import { sidecarFix } from '../findings/sidecar-fix.ts';
import { patchTemplate, podField } from '../findings/template-patch.ts';
import { workloadRef } from '../findings/wording.ts';
import { ambientMode, composedMode, effectiveMode, inbound } from '../inbound.ts';
import { controlPlaneOf, type Mesh, type Read } from '../mesh.ts';
import type { Origin, Snapshot } from '../snapshot.ts';
import type { Workload } from '../workload.ts';
import { withPodMetadata, withSidecar } from './simulate.ts';

/** A change to one field of one resource. */
export interface Candidate {
  /** One sentence in the imperative. */
  readonly text: string;
  readonly resource: ObjectRef;
  readonly origin?: Origin;
  /** From the resource's root: `spec.mtls.mode`. */
  readonly field: string;
  readonly from?: string;
  /** Absent: the field is taken away. */
  readonly to?: string;
  /** What can be carried out as it stands; empty where a person has to decide how. */
  readonly changes: readonly FixChange[];
  /** What was read, with the change made. */
  after(): Snapshot;
}

/** What may be changed so that an edge comes out otherwise, the closest to the cause first. */
export function* edgeCandidates(mesh: Mesh, edge: Edge): Generator<Candidate> {
  const { client, server, targetPort, outcome, sends } = edge;
  if (outcome !== 'mtls') yield* clientCandidates(mesh, edge);
  if (server === undefined) return;
  const at = inbound(mesh, server, targetPort);
  if (!at.captured) {
    if (outcome !== 'plaintext' || client.dataplane !== 'none') yield* uncapturedCandidates(mesh, server);
    return;
  }
  if (outcome === 'mtls')
    yield* modeCandidates(mesh, server, targetPort, at.plaintext ? 'STRICT' : 'PERMISSIVE');
  else if (outcome === 'refused' && sends !== 'istio-mtls')
    yield* modeCandidates(mesh, server, targetPort, 'PERMISSIVE');
  else if (at.mode === 'DISABLE') yield* modeCandidates(mesh, server, targetPort, 'PERMISSIVE');
}

/** What may be changed so that a port accepts otherwise. */
export function* portCandidates(mesh: Mesh, workload: Workload, port: number): Generator<Candidate> {
  const at = inbound(mesh, workload, port);
  if (!at.captured) yield* uncapturedCandidates(mesh, workload);
  else yield* modeCandidates(mesh, workload, port, at.plaintext ? 'STRICT' : 'PERMISSIVE');
}

function* clientCandidates(mesh: Mesh, edge: Edge): Generator<Candidate> {
  const { client, cause } = edge;
  switch (cause.kind) {
    case 'no-proxy':
      if (!client.hostNetwork && client.kind !== '') yield sidecarCandidate(mesh, client);
      return;
    case 'not-captured':
      yield annotationCandidate(mesh, client, cause.capture.annotation, cause.capture.value);
      return;
    case 'hidden':
      yield* hiddenCandidates(mesh, edge, cause);
      return;
    case 'cluster':
      yield* clusterCandidates(mesh, edge, cause.cluster);
      return;
    case 'tunnel':
    case 'ambient-client':
      return;
  }
}

function* hiddenCandidates(
  mesh: Mesh,
  edge: Edge,
  { hidden }: Extract<Edge['cause'], { kind: 'hidden' }>,
): Generator<Candidate> {
  const { client, host } = edge;
  const called = mesh.hosts.get(host);
  if (called === undefined) return;
  if (hidden.cause === 'not-imported') {
    const { sidecar } = hidden;
    const entry = `${called.namespace}/${host}`;
    const [first] = sidecar.egress;
    if (first === undefined || !hasEgress(mesh, sidecar.ref)) return;
    yield patched(mesh, sidecar, 'spec.egress[0].hosts', {
      text: `Add ${entry} to the hosts that ${formatRef(sidecar.ref)} imports`,
      to: entry,
      changes: [
        {
          kind: 'json-patch',
          target: sidecar.ref,
          operations: [{ op: 'add', path: '/spec/egress/0/hosts', value: [...first.hosts, entry] }],
        },
      ],
    });
    return;
  }
  // Selectors stand in the mesh's configuration, and what a changed one would bring into view is not one call's to settle.
  if (hidden.cause === 'not-discovered') return;
  const exportTo = [...hidden.exportTo, client.namespace];
  const isService = called.service !== undefined;
  const value = exportTo.join(',');
  yield patched(
    mesh,
    called,
    isService ? 'metadata.annotations["networking.istio.io/exportTo"]' : 'spec.exportTo',
    {
      text: `Export ${formatRef(called.ref)} to namespace ${client.namespace}, too`,
      from: hidden.exportTo.join(','),
      to: value,
      changes: [
        {
          kind: 'merge-patch',
          target: called.ref,
          patch: isService
            ? { metadata: { annotations: { 'networking.istio.io/exportTo': value } } }
            : { spec: { exportTo } },
        },
      ],
    },
  );
}

/** True where the first egress listener is written as it should be: a patch needs something to patch. */
function hasEgress(mesh: Mesh, { namespace, name }: ObjectRef): boolean {
  const found = mesh.snapshot.objects.findLast(
    ({ object }) =>
      object.kind === 'Sidecar' &&
      object.metadata.name === name &&
      (object.metadata.namespace ?? 'default') === namespace,
  );
  const spec = found?.object.spec;
  return isFields(spec) && Array.isArray(spec.egress) && isFields(spec.egress[0]);
}

function* clusterCandidates(mesh: Mesh, edge: Edge, cluster: Cluster): Generator<Candidate> {
  const { decision, policy, endpointTls, host } = cluster;
  switch (decision.cause) {
    case 'rule':
    case 'rule-no-mode':
    case 'rule-credential-ignored':
    case 'rule-no-certificate':
      if (policy.tls !== undefined) yield* blockCandidates(mesh, policy.tls);
      return;
    case 'external':
      yield patched(mesh, host, 'spec.location', {
        text: `Declare ${formatRef(host.ref)} as part of the mesh`,
        from: 'MESH_EXTERNAL',
        to: 'MESH_INTERNAL',
        changes: [{ kind: 'merge-patch', target: host.ref, patch: { spec: { location: 'MESH_INTERNAL' } } }],
      });
      return;
    case 'auto-off': {
      const candidate = autoMtlsCandidate(mesh, edge.client.revision);
      if (candidate !== undefined) yield candidate;
      return;
    }
    case 'hint-disable':
      yield* hintCandidates(mesh, edge, cluster);
      return;
    case 'auto':
    case 'auto-all-endpoints':
      if (endpointTls !== undefined) yield* blockCandidates(mesh, endpointTls);
      yield* endpointCandidates(mesh, edge);
  }
}

function* blockCandidates(mesh: Mesh, block: TlsBlock<Read<DestinationRule>>): Generator<Candidate> {
  const { rule, tls } = block;
  yield patched(mesh, rule, tls.field, {
    text: `Remove the TLS block of ${formatRef(rule.ref)}: automatic mutual TLS then sends what each endpoint takes`,
    from: tls.modeOmitted ? 'no mode, which means DISABLE' : tls.mode,
    changes: [removeBlock(block)],
  });
}

/** The namespace's or mesh's DISABLE that clients go by; endpoints without a sidecar where they are asked all together. */
function* hintCandidates(
  mesh: Mesh,
  edge: Edge,
  { host, port, namespaceMode }: Cluster,
): Generator<Candidate> {
  if (namespaceMode === 'DISABLE') {
    const { policies } = controlPlaneOf(mesh, edge.client.revision);
    const own = policies.namespace.get(host.namespace)?.[0];
    const decides = own !== undefined && own.mode !== 'UNSET' ? own : policies.mesh[0];
    if (decides !== undefined)
      yield policyCandidate(mesh, decides, 'spec.mtls.mode', decides.mode, 'PERMISSIVE');
    return;
  }
  const bare = endpointsOf(mesh, host.host, port).flatMap(({ workload, tlsMode }) =>
    workload !== undefined && tlsMode === 'disabled' ? [workload] : [],
  );
  const [first] = bare;
  if (first !== undefined) yield sidecarCandidate(mesh, first);
}

function* endpointCandidates(mesh: Mesh, edge: Edge): Generator<Candidate> {
  const { server, targetPort } = edge;
  if (server === undefined) return;
  const label = 'security.istio.io/tlsMode';
  const value = server.labels[label];
  if (server.dataplane === 'none') yield sidecarCandidate(mesh, server);
  else if (server.dataplane === 'sidecar' && value !== 'istio') {
    yield {
      text: `Set the label ${label} of ${formatRef(workloadRef(server))} to istio, as injection does`,
      resource: workloadRef(server),
      origin: server.origin,
      field: podField(server, `metadata.labels["${label}"]`),
      ...(value === undefined ? {} : { from: value }),
      to: 'istio',
      changes: patchTemplate(server, { labels: { [label]: 'istio' } }),
      after: () => withPodMetadata(mesh.snapshot, server, 'labels', { [label]: 'istio' }),
    };
  } else if (server.dataplane === 'sidecar') {
    const plane = controlPlaneOf(mesh, edge.client.revision);
    const endpoint = endpointsOf(mesh, edge.host, edge.port).find(({ workload }) => workload === server);
    if (endpoint !== undefined && endpointMode(mesh, plane, endpoint) === 'DISABLE')
      yield* modeCandidates(mesh, server, targetPort, 'PERMISSIVE');
  }
}

function* uncapturedCandidates(mesh: Mesh, workload: Workload): Generator<Candidate> {
  if (workload.dataplane === 'none') {
    if (!workload.hostNetwork && workload.kind !== '') yield sidecarCandidate(mesh, workload);
    return;
  }
  for (const name of [
    'traffic.sidecar.istio.io/excludeInboundPorts',
    'traffic.sidecar.istio.io/includeInboundPorts',
    'sidecar.istio.io/interceptionMode',
  ]) {
    const value = workload.annotations[name];
    if (value !== undefined) yield annotationCandidate(mesh, workload, name, value);
  }
}

/** The policy and field that give the port its mode. */
function* modeCandidates(
  mesh: Mesh,
  workload: Workload,
  port: number,
  to: 'STRICT' | 'PERMISSIVE',
): Generator<Candidate> {
  const { scope, mode } = effectiveMode(mesh, workload, port);
  const policy = decidingPolicy(mesh, workload, scope);
  if (policy !== undefined) {
    const field = scope === 'port' ? `spec.portLevelMtls.${port}.mode` : 'spec.mtls.mode';
    const from = scope === 'port' ? (policy.portLevel.get(port) ?? mode) : policy.mode;
    yield policyCandidate(mesh, policy, field, from, to);
    return;
  }
  const open = openPolicy(mesh, workload);
  if (open !== undefined) {
    yield policyCandidate(mesh, open, 'spec.mtls.mode', 'UNSET', to);
    return;
  }
  const { namespace } = workload;
  const manifest: Json = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace },
    spec: { mtls: { mode: to } },
  };
  yield {
    text: `Create a PeerAuthentication for namespace ${namespace} that says ${to}`,
    resource: { kind: 'PeerAuthentication', namespace, name: 'default' },
    field: 'spec.mtls.mode',
    to,
    changes: [{ kind: 'apply', manifest }],
    after: () => applyChange(mesh.snapshot, { kind: 'apply', manifest }),
  };
}

type Policy = PeerAuthentication & { readonly origin?: Origin };

function decidingPolicy(mesh: Mesh, workload: Workload, scope: string): Policy | undefined {
  const level = scope === 'port' ? 'workload' : scope;
  if (workload.dataplane === 'ambient') {
    const { mesh: whole, namespace, workload: own } = ambientMode(mesh, workload);
    return level === 'workload'
      ? own
      : level === 'namespace'
        ? namespace
        : level === 'mesh'
          ? whole
          : undefined;
  }
  return composedMode(mesh, workload).levels.find((candidate) => candidate.scope === level)?.policy;
}

/** A policy that stands for the namespace and says nothing: a second one would be ignored. */
function openPolicy(mesh: Mesh, workload: Workload): Policy | undefined {
  const { levels } = composedMode(mesh, workload);
  return levels.findLast(({ scope }) => scope !== 'workload')?.policy;
}

const reachWords = {
  mesh: 'it stands for the whole mesh',
  namespace: 'it stands for the whole namespace',
  workload: 'it stands for the workloads that its selector matches',
} as const;

function policyCandidate(
  mesh: Mesh,
  policy: Policy,
  field: string,
  from: DeclaredMode,
  to: 'STRICT' | 'PERMISSIVE',
): Candidate {
  const { rootNamespace } = mesh.config;
  const reach =
    policy.selector.labels !== undefined
      ? 'workload'
      : policy.namespace === rootNamespace
        ? 'mesh'
        : 'namespace';
  const remark = field.startsWith('spec.portLevelMtls') ? '' : ` (${reachWords[reach]})`;
  const port = /portLevelMtls\.(\d+)/.exec(field)?.[1];
  const patch: Json =
    port === undefined
      ? { spec: { mtls: { mode: to } } }
      : { spec: { portLevelMtls: { [port]: { mode: to } } } };
  return patched(mesh, policy, field, {
    text: `Set ${field} of ${formatRef(policy.ref)} to ${to}${remark}`,
    from,
    to,
    changes: [{ kind: 'merge-patch', target: policy.ref, patch }],
  });
}

function sidecarCandidate(mesh: Mesh, workload: Workload): Candidate {
  const fix = sidecarFix(mesh, workload);
  const name = formatRef(workloadRef(workload));
  const restarts = fix.changes.some(({ kind }) => kind === 'restart');
  return {
    text: restarts
      ? `Restart ${name}: its namespace asks for sidecars and its pods are older than that`
      : `Give ${name} a sidecar: ${fix.text.charAt(0).toLowerCase()}${fix.text.slice(1).replace(/\.$/, '')}`,
    resource: workloadRef(workload),
    origin: workload.origin,
    field: podField(workload, 'metadata.labels["sidecar.istio.io/inject"]'),
    to: 'true',
    changes: fix.changes,
    after: () => withSidecar(mesh.snapshot, workload),
  };
}

function annotationCandidate(mesh: Mesh, workload: Workload, name: string, value: string): Candidate {
  return {
    text: `Remove the annotation ${name} from ${formatRef(workloadRef(workload))} (its new pods then go through the sidecar), or the part of it that covers this call`,
    resource: workloadRef(workload),
    origin: workload.origin,
    field: podField(workload, `metadata.annotations["${name}"]`),
    from: value,
    changes: patchTemplate(workload, { annotations: { [name]: null } }),
    after: () => withPodMetadata(mesh.snapshot, workload, 'annotations', { [name]: null }),
  };
}

function autoMtlsCandidate(mesh: Mesh, revision: string): Candidate | undefined {
  const { ref } = controlPlaneOf(mesh, revision).config;
  const isConfig = ({ object }: Snapshot['objects'][number]): boolean =>
    object.kind === 'ConfigMap' &&
    object.metadata?.name === ref?.name &&
    object.metadata?.namespace === ref?.namespace;
  const found = mesh.snapshot.objects.find(isConfig);
  if (ref === undefined || found === undefined) return undefined;
  return {
    text: `Take enableAutoMtls out of the mesh config in ${formatRef(ref)}, where Istio is installed from (it is on by default)`,
    resource: ref,
    origin: found.origin,
    field: 'data.mesh.enableAutoMtls',
    from: 'false',
    to: 'true',
    changes: [],
    after: () => ({
      ...mesh.snapshot,
      objects: mesh.snapshot.objects.map((item) => {
        const data = isFields(item.object.data) ? item.object.data : {};
        if (!isConfig(item) || typeof data.mesh !== 'string') return item;
        const config: unknown = parse(data.mesh, { maxAliasCount: 100, logLevel: 'silent' });
        const text = stringify({ ...(isFields(config) ? config : {}), enableAutoMtls: true });
        return { ...item, object: { ...item.object, data: { ...data, mesh: text } } };
      }),
    }),
  };
}

/** A candidate whose changes are patches of what was read. */
function patched(
  mesh: Mesh,
  { ref, origin }: { readonly ref: ObjectRef; readonly origin?: Origin },
  field: string,
  parts: Pick<Candidate, 'text' | 'from' | 'to' | 'changes'>,
): Candidate {
  return {
    ...parts,
    resource: ref,
    ...(origin === undefined ? {} : { origin }),
    field,
    after: () => parts.changes.reduce(applyChange, mesh.snapshot),
  };
}
