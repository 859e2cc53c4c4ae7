/** DestinationRules for hosts behind which nothing was read, as in a folder that holds policies only. */
import type { TlsBlock } from '../../../istio/client-tls.ts';
import type { ClientTls, DestinationRule } from '../../../istio/destination-rule.ts';
import type { PolicyIndex } from '../../../istio/effective-mode.ts';
import { composeMode } from '../../../istio/effective-mode.ts';
import { fullHost } from '../../../istio/hostname.ts';
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import { endpointsOf } from '../../endpoints.ts';
import type { Mesh, Read } from '../../mesh.ts';

export interface UnseenServer {
  readonly block: TlsBlock<Read<DestinationRule>>;
  readonly host: string;
  /** `namespace shop`, or `the mesh` for a wildcard that covers namespaces. */
  readonly reach: string;
  /** The policy that makes it STRICT. */
  readonly policy: Read<PeerAuthentication>;
}

/** TLS blocks that send something else than mutual TLS into a namespace, or a mesh, that is STRICT as a whole. */
export function unseenServers(mesh: Mesh): readonly UnseenServer[] {
  return mesh.destinationRules.flatMap((rule) => {
    const blocks = blocksOf(rule).filter(({ mode }) => mode !== 'ISTIO_MUTUAL');
    if (blocks.length === 0) return [];
    const host = fullHost(rule.host, rule.namespace, mesh.config.clusterDomain);
    const place = placeOf(host, mesh.config.clusterDomain);
    if (place === undefined || isSeen(mesh, host, place)) return [];
    const policy = strictPolicy(mesh.policies, place);
    if (policy === undefined) return [];
    const reach = place === 'mesh' ? 'the mesh' : `namespace ${place.namespace}`;
    return blocks.map((tls) => ({ block: { rule, tls }, host, reach, policy }));
  });
}

type Place = 'mesh' | { readonly namespace: string };

/** Where the services of a host live; undefined for a host outside the cluster. */
function placeOf(host: string, clusterDomain: string): Place | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (host === '*' || (host.startsWith('*.') && suffix.endsWith(host.slice(1)))) return 'mesh';
  if (!host.endsWith(suffix)) return undefined;
  const namespace = host.slice(0, -suffix.length).split('.').at(-1);
  return namespace === undefined || namespace === '*' || namespace === '' ? 'mesh' : { namespace };
}

/** Workloads were read there, so their own ports are judged instead. */
function isSeen(mesh: Mesh, host: string, place: Place): boolean {
  if (place === 'mesh') return mesh.workloads.length > 0;
  if (host.startsWith('*')) return mesh.workloadsByNamespace.has(place.namespace);
  return mesh.hosts.get(host)?.ports.some(({ port }) => endpointsOf(mesh, host, port).length > 0) ?? false;
}

function strictPolicy(
  policies: PolicyIndex<Read<PeerAuthentication>>,
  place: Place,
): Read<PeerAuthentication> | undefined {
  const namespace = place === 'mesh' ? policies.rootNamespace : place.namespace;
  const composed = composeMode({ ...policies, workload: new Map() }, namespace, {});
  if (composed.mode !== 'STRICT') return undefined;
  return composed.levels.find(({ scope }) => scope === composed.scope)?.policy;
}

function blocksOf({ trafficPolicy, subsets }: DestinationRule): readonly ClientTls[] {
  return [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)].flatMap((policy) =>
    policy === undefined
      ? []
      : [policy.tls, ...policy.ports.map(({ tls }) => tls)].flatMap((tls) => tls ?? []),
  );
}
