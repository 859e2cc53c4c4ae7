/**
 * What traffic really did over a window, as data: by workload and port, how much came by mutual TLS and how much in
 * plaintext, and who sent it. Sources are never added up: each saw a part of the same traffic.
 */
import type { Party } from './address-book.ts';

export const sourceNames = ['proxy counters', 'Prometheus', 'access log', 'dry run'] as const;
export type SourceName = (typeof sourceNames)[number];

/** RFC 3339. */
export interface Window {
  readonly from: string;
  readonly to: string;
}

/** HTTP is counted by request, other protocols by connection. */
export interface Counts {
  readonly requests: number;
  readonly connections: number;
  /** Connections that are open at the window's end, those from before it included. Only the proxies' counters tell. */
  readonly open: number;
}

export const noCounts: Counts = { requests: 0, connections: 0, open: 0 };

/**
 * `other-tls`: TLS that is not Istio's by its server name, so either an application's own or mutual TLS under a name that a
 * DestinationRule sets. Only access logs tell it from plaintext.
 */
export type Security = 'mtls' | 'plaintext' | 'other-tls';

/** What one source saw. */
export interface Tally {
  readonly source: SourceName;
  readonly window: Window;
  readonly mtls: Counts;
  readonly plaintext: Counts;
  readonly otherTls: Counts;
  /** Connections that no filter chain took, as STRICT refuses plaintext. Only access logs tell. */
  readonly refused: number;
}

/** Somebody who called, in one manner. Two manners of one caller are two senders. */
export interface Sender extends Party {
  readonly security: Security;
  readonly requests: number;
  readonly connections: number;
  readonly open: number;
  /** Connections that the proxy refused, which the counts above leave out. */
  readonly refused: number;
  /** Addresses that were seen, at most five; empty where the source has none. */
  readonly addresses: readonly string[];
  /** What the callers said they are (`User-Agent`), at most three. */
  readonly userAgents: readonly string[];
  /** RFC 3339; absent where the source has no times. */
  readonly lastSeen?: string;
  /** RFC 3339: the last that was not refused; absent where there was none, or the source has no times. */
  readonly lastTaken?: string;
  /** Which sources know the sender, and so how the name is known. */
  readonly knownBy: readonly SourceName[];
}

export interface ObservedPort {
  readonly namespace: string;
  /** `Deployment/httpbin`. */
  readonly workload: string;
  readonly workloadId: string;
  /** The container port. Absent: counters that name no port, of a workload that has several. */
  readonly port?: number;
  /** The largest that any one source saw. */
  readonly mtls: Counts;
  readonly plaintext: Counts;
  readonly otherTls: Counts;
  readonly refused: number;
  /** By source; a source that could not be read for this workload is missing here and stands in `unseen`. */
  readonly tallies: readonly Tally[];
  /** Plaintext first, then by count. Plaintext that was counted but that nobody named is a sender of kind `unknown`. */
  readonly senders: readonly Sender[];
}

/** A source that was used, with what it covers. */
export interface UsedSource {
  readonly source: SourceName;
  readonly window: Window;
  /** `12 of 12 proxies, by pod proxy`. */
  readonly coverage: string;
}

/** Something that could not be looked at: every answer about the workload is then INCONCLUSIVE at best. */
export interface UnseenTraffic {
  readonly source: SourceName;
  readonly namespace?: string;
  /** `Deployment/httpbin`; absent: all. */
  readonly workload?: string;
  readonly pod?: string;
  readonly reason: string;
  /** The right that would have allowed it: `get pods/log`. */
  readonly right?: string;
  /** The names of senders are missing, but not their traffic: the counts stand. */
  readonly namesOnly?: true;
}

export interface Observation {
  readonly context: string;
  /** What the counters cover. Other sources may look back further: their windows stand in `sources`. */
  readonly window: Window;
  readonly sources: readonly UsedSource[];
  /** Every port of every workload with a sidecar, whether or not something was seen there. */
  readonly ports: readonly ObservedPort[];
  readonly unseen: readonly UnseenTraffic[];
}

/** `plaintext` beats everything; `quiet`: nothing at all came, which proves nothing. */
export type TrafficVerdict = 'plaintext' | 'only-mtls' | 'quiet' | 'unseen';

export function amount(counts: Counts): number {
  return counts.requests + Math.max(counts.connections, counts.open);
}

/** What could not be seen of a workload's traffic. Missing names of senders are left out: the counts stand without them. */
export function blindSpots(observation: Observation, observed: ObservedPort): readonly UnseenTraffic[] {
  return observation.unseen.filter(
    ({ namespace, workload, namesOnly }) =>
      namesOnly !== true &&
      (namespace === undefined || namespace === observed.namespace) &&
      (workload === undefined || workload === observed.workload),
  );
}

/** Whether somebody still sends what STRICT would refuse, as far as it was seen. */
export function trafficVerdict(observed: ObservedPort): TrafficVerdict {
  if (observed.tallies.length === 0) return 'unseen';
  if (amount(observed.plaintext) + amount(observed.otherTls) > 0) return 'plaintext';
  return amount(observed.mtls) > 0 ? 'only-mtls' : 'quiet';
}

/**
 * What was seen at a workload's port. Where counters could not tell the port, what they saw of the whole workload stands
 * in `elsewhere`: plaintext there may have been plaintext here.
 */
export function observedAt(
  observation: Observation,
  workloadId: string,
  port: number,
): { readonly here: ObservedPort | undefined; readonly elsewhere: ObservedPort | undefined } {
  const rows = observation.ports.filter((row) => row.workloadId === workloadId);
  return {
    here: rows.find((row) => row.port === port),
    elsewhere: rows.find((row) => row.port === undefined),
  };
}
