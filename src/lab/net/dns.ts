/**
 * Cluster DNS, as CoreDNS answers it: the records of the Kubernetes DNS specification
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md) and a pod's resolv.conf
 * (`search NS.svc.cluster.local svc.cluster.local cluster.local`, `ndots:5`).
 */
import { isIPv4 } from 'node:net';
import type { ServiceTable } from './service-table.ts';

export const clusterDomain = 'cluster.local';

/** How many ExternalName records are followed before it counts as a loop. */
const maxAliases = 8;

/** @returns the A records of the name as a pod in the namespace asks for it; empty for NXDOMAIN. */
export function resolveName(services: ServiceTable, name: string, namespace: string): readonly string[] {
  if (isIPv4(name)) return [name];
  for (const candidate of candidates(name.toLowerCase(), namespace)) {
    const addresses = lookUp(services, candidate, maxAliases);
    if (addresses.length > 0) return addresses;
  }
  return [];
}

/** The names that the resolver asks for, in order. A trailing dot means: exactly this. */
function candidates(name: string, namespace: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const search = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  const searched = search.map((suffix) => `${name}.${suffix}`);
  const dots = name.split('.').length - 1;
  return dots >= 5 ? [name, ...searched] : [...searched, name];
}

function lookUp(services: ServiceTable, name: string, aliasesLeft: number): readonly string[] {
  const suffix = `.${clusterDomain}`;
  if (!name.endsWith(suffix)) return [];
  const labels = name.slice(0, -suffix.length).split('.');
  const zone = labels.pop();
  const namespace = labels.pop();
  if (namespace === undefined) return [];
  if (zone === 'pod') return podRecord(labels);
  if (zone !== 'svc') return [];
  const service = labels.pop();
  if (service === undefined) return [];
  const host = labels.length === 0 ? undefined : labels.join('.');
  const answer = services.lookUp(namespace, service, host);
  if (answer === undefined) return [];
  if (answer.kind === 'addresses') return answer.addresses;
  return aliasesLeft === 0 ? [] : lookUp(services, answer.name.replace(/\.$/, ''), aliasesLeft - 1);
}

/** `10-244-0-7.NS.pod.cluster.local`: CoreDNS's `pods insecure`, which answers whether or not there is such a pod. */
function podRecord(labels: readonly string[]): readonly string[] {
  const address = labels.length === 1 ? (labels[0] ?? '').replaceAll('-', '.') : '';
  return isIPv4(address) ? [address] : [];
}
