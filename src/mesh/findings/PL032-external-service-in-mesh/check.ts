/**
 * PL032: a ServiceEntry that is MESH_EXTERNAL, which is what an absent `location` means, for endpoints inside the mesh. Automatic mutual TLS
 * is never spoken to external services (istio.io, ServiceEntry.Location).
 */
import type { ServiceEntry } from '../../../istio/service-entry.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { selectedWorkloads } from '../selected-workloads.ts';
import { list, nameOf, workloadRefs } from '../wording.ts';

export function externalServiceInMesh(mesh: Mesh): readonly Finding[] {
  const external = mesh.serviceEntries.filter(({ location }) => location === 'MESH_EXTERNAL');
  if (external.length === 0) return [];
  const byAddress = workloadsByAddress(mesh);
  return external.flatMap((entry) => {
    const workloads = inMesh(mesh, entry, byAddress);
    return workloads.length === 0 ? [] : [oneFinding(mesh, entry, workloads)];
  });
}

function workloadsByAddress(mesh: Mesh): ReadonlyMap<string, Workload> {
  const index = new Map<string, Workload>();
  for (const workload of mesh.workloads) {
    for (const { ips } of workload.pods) for (const ip of ips) index.set(ip, workload);
  }
  return index;
}

/** Workloads with a proxy that the entry leads to: by selector, by address, or by the name of one of their Services. */
function inMesh(
  mesh: Mesh,
  entry: ServiceEntry,
  byAddress: ReadonlyMap<string, Workload>,
): readonly Workload[] {
  const found = new Set<Workload>();
  if (entry.selector.labels !== undefined) {
    for (const workload of selectedWorkloads(mesh, entry.namespace, entry.selector.labels))
      found.add(workload);
  }
  for (const { address } of entry.endpoints) {
    const workload = byAddress.get(address);
    if (workload !== undefined) found.add(workload);
    for (const behind of behindHost(mesh, address)) found.add(behind);
  }
  for (const host of entry.hosts) for (const behind of behindHost(mesh, host)) found.add(behind);
  return [...found].filter(({ dataplane }) => dataplane === 'sidecar' || dataplane === 'ambient');
}

/** Workloads behind `NAME.NAMESPACE.svc...`, the full name of a Service. */
function behindHost(mesh: Mesh, host: string): readonly Workload[] {
  const match = /^([^.*]+)\.([^.]+)\.svc(\.|$)/.exec(host);
  if (match === null) return [];
  const service = mesh.services.find(({ name, namespace }) => name === match[1] && namespace === match[2]);
  return service?.selector === undefined ? [] : selectedWorkloads(mesh, service.namespace, service.selector);
}

function oneFinding(mesh: Mesh, entry: Read<ServiceEntry>, workloads: readonly Workload[]): Finding {
  const spelled = mesh.snapshot.objects.some(
    ({ object, origin }) => origin === entry.origin && hasLocation(object.spec),
  );
  return finding('PL032', entry, {
    message: `ServiceEntry ${nameOf(entry.ref)} calls ${list(entry.hosts)} external${spelled ? '' : ' (no location means MESH_EXTERNAL)'}, but ${list(workloads.map(({ name }) => name))} behind it ${workloads.length === 1 ? 'has a proxy' : 'have proxies'}.`,
    field: 'spec.location',
    why: 'Clients send plaintext to an external service, so what they send under this name is plaintext inside the mesh, and a STRICT server refuses it.',
    fix: {
      text: 'Say MESH_INTERNAL.',
      changes: [{ kind: 'merge-patch', target: entry.ref, patch: { spec: { location: 'MESH_INTERNAL' } } }],
    },
    affected: workloadRefs(workloads),
  });
}

function hasLocation(spec: unknown): boolean {
  return typeof spec === 'object' && spec !== null && 'location' in spec;
}
