/** Host names as Istio's rules write them: short names, wildcards, and which of several matches is the closest. */
import type { StringMap } from './fields.ts';

/** `NAME.NAMESPACE.svc.DOMAIN`. */
export function serviceHost(name: string, namespace: string, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/**
 * A rule's host in full. A name without a dot belongs to the rule's own namespace, whatever the client's is; a name with a
 * dot is taken as it stands, so `reviews.shop` is not a Service's name (istio.io, DestinationRule `host`). A control plane
 * without a domain (`''`) completes a short name with the namespace alone, and it names no Service.
 */
export function fullHost(host: string, namespace: string, shortNameDomain: string): string {
  if (host === '' || host === '*' || host.includes('.') || isAddress(host)) return host;
  return shortNameDomain === '' ? `${host}.${namespace}` : serviceHost(host, namespace, shortNameDomain);
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** True when `pattern` (a name, or `*` with a suffix) covers the name; wildcards cover narrower wildcards. */
export function hostMatches(pattern: string, host: string): boolean {
  return isWildcard(pattern) ? host.endsWith(pattern.slice(1)) : pattern === host;
}

/** True when some name is covered by both; either may be a wildcard. */
export function hostsOverlap(a: string, b: string): boolean {
  if (isWildcard(a) && isWildcard(b))
    return a.slice(1).endsWith(b.slice(1)) || b.slice(1).endsWith(a.slice(1));
  return hostMatches(a, b) || hostMatches(b, a);
}

/** An IPv4 address, or anything with a colon: a host name has none. */
export function isAddress(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/** Entries by host, exact names apart from wildcards, so that a look-up costs one hash and the few wildcards. */
export class HostIndex<Entry> {
  private readonly exact = new Map<string, Entry>();
  private readonly wildcards = new Map<string, Entry>();

  get(host: string): Entry | undefined {
    return this.exact.get(host) ?? this.wildcards.get(host);
  }

  set(host: string, entry: Entry): void {
    (isWildcard(host) ? this.wildcards : this.exact).set(host, entry);
  }

  get size(): number {
    return this.exact.size + this.wildcards.size;
  }

  *entries(): Generator<readonly [string, Entry]> {
    yield* this.exact;
    yield* this.wildcards;
  }

  /** The exact entry, else the one under the longest wildcard that covers the host. */
  closest(host: string): { readonly host: string; readonly entry: Entry } | undefined {
    const exact = this.get(host);
    if (exact !== undefined) return { host, entry: exact };
    let best: { readonly host: string; readonly entry: Entry } | undefined;
    for (const [pattern, entry] of this.wildcards) {
      if (!host.endsWith(pattern.slice(1)) || (isWildcard(host) && !host.slice(1).endsWith(pattern.slice(1))))
        continue;
      if (best === undefined || closer(pattern, best.host)) best = { host: pattern, entry };
    }
    return best;
  }
}

/** The longer of two wildcards says more; two of one length are ordered by name so that the answer does not depend on chance. */
function closer(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length > b.length;
}

/**
 * Who may see a Service, from its annotation `networking.istio.io/exportTo`; undefined where there is none and the mesh's
 * default holds.
 */
export function exportedTo(annotations: StringMap): readonly string[] | undefined {
  const text = annotations['networking.istio.io/exportTo'];
  if (text === undefined) return undefined;
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Visibility of an object of `namespace` in `client`: `.` its own namespace, `*` everywhere, `~` nowhere, or names. */
export function visibleIn(exportTo: readonly string[], namespace: string, client: string): boolean {
  for (const entry of exportTo) {
    if (entry === '*' || entry === client || (entry === '.' && namespace === client)) return true;
  }
  return false;
}
