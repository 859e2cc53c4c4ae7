/** The mesh as it will be once a plan has been carried out, so that preflight judges the end and not the start. */
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { withChange } from '../mesh/what-if.ts';
import { asList, asObject, asTextMap } from '../sources/json-value.ts';
import type { Owner } from './owners.ts';
import type { Write } from './write.ts';

/** The proxy's marks on a pod: what istiod's injection template adds, as far as the mesh model looks at it. */
const proxyContainer = { name: 'istio-proxy' } as const;
const injectedStatus = JSON.stringify({ containers: ['istio-proxy'], revision: 'default' });

/**
 * @param injected owners whose pods will have a sidecar
 * @param writes policies that will be there; the writes of a plan to other kinds change nothing that is asked here
 */
export function meshAfter(mesh: Mesh, injected: readonly Owner[], writes: readonly Write[]): Mesh {
  const policies = lastOfEach(mesh, writes);
  return withChange(mesh, {
    apply: [
      ...injectedPods(mesh, injected),
      ...policies.filter((write) => write.kind === 'apply').map((write) => merged(mesh, write.manifest)),
    ],
    remove: policies
      .filter((write) => write.kind === 'delete')
      .map(({ manifest: { kind, metadata } }) => ({
        kind,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        name: metadata.name,
      })),
  });
}

/** The last write to each policy; deleting what is not there is none. */
function lastOfEach(mesh: Mesh, writes: readonly Write[]): readonly Write[] {
  const last = new Map<string, Write>();
  for (const write of writes) {
    const { kind, metadata } = write.manifest;
    if (kind !== 'PeerAuthentication' && kind !== 'DestinationRule') continue;
    last.set(`${kind}/${metadata.namespace}/${metadata.name}`, write);
  }
  return [...last.values()].filter(
    ({ kind, manifest }) =>
      kind === 'apply' ||
      findObject(mesh, manifest.kind, manifest.metadata.namespace, manifest.metadata.name) !== undefined,
  );
}

function injectedPods(mesh: Mesh, owners: readonly Owner[]): readonly KubeObject[] {
  const names = new Set(
    owners.flatMap(({ ref }) =>
      mesh.workloads
        .filter(
          (workload) =>
            workload.namespace === ref.namespace &&
            workload.kind === ref.kind &&
            workload.name === ref.name &&
            workload.dataplane === 'none',
        )
        .flatMap((workload) => workload.pods.map((pod) => `${workload.namespace}/${pod.name}`)),
    ),
  );
  return mesh.snapshot.objects
    .map(({ object }) => object)
    .filter(
      (object) => object.kind === 'Pod' && names.has(`${object.metadata.namespace}/${object.metadata.name}`),
    )
    .map(withSidecar);
}

function withSidecar(pod: KubeObject): KubeObject {
  const spec = asObject(pod.spec);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...pod.metadata.labels, 'security.istio.io/tlsMode': 'istio' },
      annotations: { ...pod.metadata.annotations, 'sidecar.istio.io/status': injectedStatus },
    },
    spec: { ...spec, containers: [...asList(spec.containers), proxyContainer] },
  };
}

/** What server-side apply makes of a policy that is there already: its age and the fields that the manifest leaves alone. */
function merged(mesh: Mesh, manifest: KubeObject): KubeObject {
  const existing = findObject(mesh, manifest.kind, manifest.metadata.namespace, manifest.metadata.name);
  if (existing === undefined) return manifest;
  return {
    ...existing,
    metadata: {
      ...existing.metadata,
      labels: { ...asTextMap(existing.metadata.labels), ...manifest.metadata.labels },
    },
    spec: { ...asObject(existing.spec), ...asObject(manifest.spec) },
  };
}

/** @returns an object of the snapshot by its kind and name. */
export function findObject(
  mesh: Mesh,
  kind: string,
  namespace: string | undefined,
  name: string,
): KubeObject | undefined {
  return mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === kind && object.metadata.namespace === namespace && object.metadata.name === name,
  )?.object;
}
