/** Hosts towards which something else than plain automatic mutual TLS may be at work; the others need no closer look. */
import { namespaceMode } from '../../istio/effective-mode.ts';
import { fullHost, hostMatches, isWildcard } from '../../istio/hostname.ts';
import type { MeshHost } from '../host.ts';
import { controlPlaneOf, type Mesh } from '../mesh.ts';

/** A set of host names, some of them wildcards. */
export class HostNames {
  private readonly exact = new Map<string, Set<string>>();
  private readonly wildcards: { readonly host: string; readonly namespace: string }[] = [];

  /** Files a host as it is written in a resource of a namespace. */
  add(host: string, namespace: string, clusterDomain: string): void {
    const full = fullHost(host, namespace, clusterDomain);
    if (isWildcard(full)) this.wildcards.push({ host: full, namespace });
    else this.exact.set(full, (this.exact.get(full) ?? new Set()).add(namespace));
  }

  /** The namespaces of the resources that name the host. */
  namespacesNaming(host: string): readonly string[] {
    return [
      ...(this.exact.get(host) ?? []),
      ...this.wildcards.filter((rule) => hostMatches(rule.host, host)).map(({ namespace }) => namespace),
    ];
  }
}

/** Every host of a DestinationRule. */
export function destinationRuleHosts(mesh: Mesh): HostNames {
  const names = new HostNames();
  for (const { host, namespace } of mesh.destinationRules)
    names.add(host, namespace, mesh.config.clusterDomain);
  return names;
}

/**
 * Tells hosts that a DestinationRule or VirtualService names, that are not found through the control plane (headless), or whose
 * clients send plaintext by the namespace's mode or the mesh configuration.
 */
export function needsCloserLook(mesh: Mesh): (host: MeshHost) => boolean {
  if (mesh.configs.some(({ enableAutoMtls }) => !enableAutoMtls)) return () => true;
  const names = destinationRuleHosts(mesh);
  for (const { hosts, namespace } of mesh.virtualServices) {
    for (const host of hosts) names.add(host, namespace, mesh.config.clusterDomain);
  }
  const planes = [...new Set(mesh.workloads.map(({ revision }) => revision))].map((revision) =>
    controlPlaneOf(mesh, revision),
  );
  const disabled = new Map<string, boolean>();
  const isDisabled = (namespace: string): boolean => {
    let answer = disabled.get(namespace);
    if (answer === undefined) {
      answer = planes.some(({ policies }) => namespaceMode(policies, namespace) === 'DISABLE');
      disabled.set(namespace, answer);
    }
    return answer;
  };
  return ({ host, namespace, resolution }) =>
    resolution === 'passthrough' ||
    resolution === 'alias' ||
    names.namespacesNaming(host).length > 0 ||
    isDisabled(namespace);
}
