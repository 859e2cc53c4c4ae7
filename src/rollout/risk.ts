/** Which workload is made STRICT first: the one whose callers have least to lose by it. */
import { matchesLabels } from '../istio/selector.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { count } from './count.ts';
import type { Owner } from './owners.ts';

/** What a workload's proxies had received when the plan was made. */
export interface Received {
  readonly requests: number;
  readonly plaintext: number;
}

export interface Risk {
  /** Compared from the left; more is riskier. */
  readonly ranks: readonly number[];
  /** `exposed by Service web (LoadBalancer), 30 requests so far, 12 of them in plaintext`. */
  readonly because: string;
}

/** Prometheus' usual marks: a scraper of an application's port is a caller outside the mesh. */
const scraped = 'prometheus.io/scrape';

/**
 * Doors to the outside first, because who comes through them has no sidecar; then what came in plaintext; then how much
 * traffic there is.
 */
export function inboundRisk(mesh: Mesh, owner: Owner, received: Received | undefined): Risk {
  const services = mesh.services.filter(
    (service) =>
      service.namespace === owner.ref.namespace &&
      service.selector !== undefined &&
      matchesLabels(service.selector, owner.labels),
  );
  const open = services.filter(
    ({ type, externalIPs }) => type === 'LoadBalancer' || type === 'NodePort' || externalIPs.length > 0,
  );
  const isScraped = owner.annotations[scraped] === 'true';
  const { requests = 0, plaintext = 0 } = received ?? {};
  const because = [
    ...open.map(({ name, type }) => `exposed by Service ${name} (${type})`),
    ...(isScraped ? ['scraped by Prometheus'] : []),
    requests === 0
      ? 'no request seen so far'
      : `${count(requests, 'request')} so far${plaintext > 0 ? `, ${plaintext} of them in plaintext` : ''}`,
  ];
  return {
    ranks: [open.length + (isScraped ? 1 : 0), plaintext, requests, services.length],
    because: because.join(', '),
  };
}

/** Least risk first; equal ones by name, so that the same cluster gives the same plan. */
export function byRisk<Item extends { readonly owner: Owner; readonly risk: Risk }>(
  a: Item,
  b: Item,
): number {
  for (const [index, rank] of a.risk.ranks.entries()) {
    const other = b.risk.ranks[index] ?? 0;
    if (rank !== other) return rank - other;
  }
  return a.owner.ref.name < b.owner.ref.name ? -1 : 1;
}
