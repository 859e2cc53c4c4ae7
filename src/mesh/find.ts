/** Finds what a person names: a workload, a pod, a host. */
import type { MeshHost } from './host.ts';
import type { Mesh } from './mesh.ts';
import type { Workload } from './workload.ts';

/**
 * The workloads that a name may stand for, exact matches first: `NAMESPACE/NAME`, `NAMESPACE/KIND/NAME`, a pod's
 * `NAMESPACE/POD`, `NAME.NAMESPACE`, or a name alone. Several variants of one workload are all returned.
 */
export function findWorkloads(mesh: Mesh, name: string): readonly Workload[] {
  const [first = '', second, third] = name.split('/');
  if (third !== undefined) {
    return mesh.workloads.filter(
      (workload) =>
        workload.namespace === first &&
        sameKind(workload.kind, second ?? '') &&
        (workload.name === third || hasPod(workload, third)),
    );
  }
  if (second !== undefined) {
    const inNamespace = inSpace(mesh, first, second);
    return inNamespace.length > 0 ? inNamespace : ofKind(mesh, first, second);
  }
  const dot = name.indexOf('.');
  if (dot > 0) {
    const dotted = inSpace(mesh, name.slice(dot + 1).split('.')[0] ?? '', name.slice(0, dot));
    if (dotted.length > 0) return dotted;
  }
  return mesh.workloads.filter((workload) => workload.name === name || hasPod(workload, name));
}

function inSpace(mesh: Mesh, namespace: string, name: string): readonly Workload[] {
  const workloads = mesh.workloadsByNamespace.get(namespace) ?? [];
  const named = workloads.filter((workload) => workload.name === name);
  return named.length > 0 ? named : workloads.filter((workload) => hasPod(workload, name));
}

/** `deployment/httpbin`, as kubectl writes it, in any namespace. */
function ofKind(mesh: Mesh, kind: string, name: string): readonly Workload[] {
  return mesh.workloads.filter((workload) => sameKind(workload.kind, kind) && workload.name === name);
}

const shortKinds: Readonly<Record<string, string>> = {
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  po: 'pod',
  rs: 'replicaset',
  cj: 'cronjob',
};

function sameKind(kind: string, written: string): boolean {
  const lower = written.toLowerCase();
  const full = shortKinds[lower] ?? lower;
  return kind.toLowerCase() === full || `${kind.toLowerCase()}s` === full;
}

function hasPod(workload: Workload, name: string): boolean {
  return workload.pods.some((pod) => pod.name === name);
}

/** The host that a name stands for, as a client of a namespace would write it: in full, `NAME.NAMESPACE`, `NAMESPACE/NAME` or `NAME`. */
export function findHost(mesh: Mesh, name: string, namespace?: string): MeshHost | undefined {
  const exact = mesh.hosts.get(name);
  if (exact !== undefined) return exact;
  const { clusterDomain } = mesh.config;
  const [space, short] = name.split('/');
  const candidates = [
    `${name}.svc.${clusterDomain}`,
    `${name}.${clusterDomain}`,
    ...(space !== undefined && short !== undefined ? [`${short}.${space}.svc.${clusterDomain}`] : []),
    ...(namespace === undefined ? [] : [`${name}.${namespace}.svc.${clusterDomain}`]),
  ];
  for (const candidate of candidates) {
    const host = mesh.hosts.get(candidate);
    if (host !== undefined) return host;
  }
  const alone = mesh.services.filter((service) => service.name === name);
  const only = alone.length === 1 ? alone[0] : undefined;
  return only === undefined
    ? undefined
    : mesh.hosts.get(`${only.name}.${only.namespace}.svc.${clusterDomain}`);
}

/** Whose address it is: a pod's, or a Service's own. */
export function findAddress(
  mesh: Mesh,
  address: string,
): { readonly workload: Workload; readonly pod: string } | { readonly host: MeshHost } | undefined {
  for (const workload of mesh.workloads) {
    const pod = workload.pods.find(({ ips }) => ips.includes(address));
    if (pod !== undefined) return { workload, pod: pod.name };
  }
  for (const host of mesh.hosts.values()) if (host.address === address) return { host };
  return undefined;
}
