/** Facts that the cluster's objects declare: what each port accepts, who is in the mesh, which clients go without mutual TLS. */
import { formatRef, type KubeObject } from '../../istio/kubernetes.ts';
import { type ClassEdge, edgesTo } from '../../mesh/edge.ts';
import { exceptionOf } from '../../mesh/exception.ts';
import { inbound, portsOf } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Fact } from './fact.ts';

/** @param today `2027-01-31` */
export function meshFacts(
  mesh: Mesh,
  namespaces: readonly string[] | undefined,
  today: string,
): readonly Fact[] {
  const watched = workloads(mesh, namespaces);
  return [
    ...modeFacts(mesh, watched),
    ...memberFacts(mesh, watched),
    ...edgeFacts(mesh, namespaces),
    ...objectFacts(mesh, namespaces, today),
  ];
}

function nameOf({ namespace, kind, name }: Workload): string {
  return `${namespace}/${kind}/${name}`;
}

/** The value: the mode, then `p` where plaintext gets in and `m` where mutual TLS does. Variants of one name count by their weakest. */
function modeFacts(mesh: Mesh, watched: readonly Workload[]): readonly Fact[] {
  const facts = new Map<string, Fact>();
  for (const workload of watched) {
    if (workload.dataplane === 'none' || workload.dataplane === 'gateway') continue;
    for (const port of portsOf(mesh, workload)) {
      const { mode, plaintext, mtls, policy } = inbound(mesh, workload, port);
      const key = `mode ${nameOf(workload)}:${port}`;
      if (facts.get(key)?.value.includes('p') === true) continue;
      facts.set(key, {
        key,
        value: `${mode} ${plaintext ? 'p' : ''}${mtls ? 'm' : ''}`,
        namespace: workload.namespace,
        detail: '',
        ...(policy === undefined ? {} : { resource: formatRef(policy) }),
      });
    }
  }
  return [...facts.values()];
}

/** `none`: no proxy, in a namespace of the mesh; `outside`: in one that is not. */
function memberFacts(mesh: Mesh, watched: readonly Workload[]): readonly Fact[] {
  const members = meshNamespaces(mesh, watched);
  const groups = Map.groupBy(
    watched.filter(({ kind }) => kind !== 'Job' && kind !== 'CronJob'),
    nameOf,
  );
  return [...groups].map(([name, variants]) => {
    const planes = [...new Set(variants.map(({ dataplane }) => dataplane))].toSorted();
    const namespace = variants[0]?.namespace ?? '';
    const why = variants.find(({ dataplane }) => dataplane === 'none')?.dataplaneBecause.at(-1)?.text;
    return {
      key: `member ${name}`,
      value: planes.includes('none') ? (members.has(namespace) ? 'none' : 'outside') : planes.join('+'),
      namespace,
      detail: why ?? '',
    };
  });
}

/** Namespaces that ask for a proxy, or where somebody has one. */
function meshNamespaces(mesh: Mesh, watched: readonly Workload[]): ReadonlySet<string> {
  const names = new Set(
    watched.filter(({ dataplane }) => dataplane !== 'none').map(({ namespace }) => namespace),
  );
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind !== 'Namespace') continue;
    const { labels = {}, name } = object.metadata;
    const asks = labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined;
    if (asks || labels['istio.io/dataplane-mode'] === 'ambient') names.add(name);
  }
  return names;
}

/** Only what a proxy of the mesh sends without mutual TLS, by host, port, server and outcome: few in a namespace that is kept. */
function edgeFacts(mesh: Mesh, namespaces: readonly string[] | undefined): readonly Fact[] {
  const facts = new Map<string, Fact>();
  for (const { host, namespace } of mesh.hosts.values()) {
    if (namespaces !== undefined && !namespaces.includes(namespace)) continue;
    for (const edge of edgesTo(mesh, host)) {
      if (!isWeak(edge)) continue;
      const key = `edge ${edge.serverName}:${edge.targetPort} as ${host}:${edge.port} ${edge.outcome}`;
      if (!facts.has(key)) facts.set(key, edgeFact(key, namespace, edge));
    }
  }
  return [...facts.values()];
}

/** Both ends have a proxy, and the call is no mutual TLS all the same. */
function isWeak({ outcome, client, server }: ClassEdge): boolean {
  const isMeshed = client.dataplane !== 'none' && server !== undefined && server.dataplane !== 'none';
  return isMeshed && outcome !== 'mtls';
}

function edgeFact(key: string, namespace: string, edge: ClassEdge): Fact {
  const clients = [...new Set(edge.clients.map(({ namespace: ns, name }) => `${ns}/${name}`))].toSorted();
  const more = clients.length > 3 ? ` and ${clients.length - 3} more` : '';
  const because = edge.because.findLast(({ resource }) => resource !== undefined);
  const does = edge.outcome === 'refused' ? 'are refused' : `send ${edge.outcome}`;
  return {
    key,
    value: edge.outcome,
    namespace,
    detail: `${clients.slice(0, 3).join(', ')}${more} ${does}`,
    ...(because?.resource === undefined ? {} : { resource: formatRef(because.resource) }),
  };
}

const policyKinds: ReadonlySet<string> = new Set(['PeerAuthentication', 'DestinationRule']);

/** Each policy's generation, to tell that it changed and changed back; and exceptions whose day has passed. */
function objectFacts(mesh: Mesh, namespaces: readonly string[] | undefined, today: string): readonly Fact[] {
  return mesh.snapshot.objects.flatMap(({ object }) => {
    const namespace = object.metadata.namespace ?? '';
    if (namespaces !== undefined && !namespaces.includes(namespace)) return [];
    const ref = refOf(object);
    const facts: Fact[] = [];
    if (policyKinds.has(object.kind)) {
      const { generation = 0, uid = '' } = object.metadata;
      facts.push({
        key: `policy ${ref}`,
        value: `${generation} ${uid}`,
        namespace,
        detail: '',
        resource: ref,
      });
    }
    const { owner, until } = exceptionOf(object);
    if (until !== undefined && until < today && object.kind !== 'Pod' && object.kind !== 'ReplicaSet') {
      facts.push({
        key: `exception ${ref}`,
        value: until,
        namespace,
        detail: `its last day was ${until}${owner === undefined ? '' : `, ${owner} answers for it`}`,
        resource: ref,
      });
    }
    return facts;
  });
}

function refOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return formatRef({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
}
