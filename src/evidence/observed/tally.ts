/** Adds records up to rows: by source for the counts, over all sources for the senders. */
import type { Workload } from '../../mesh/workload.ts';
import { type Party, partyKey } from './address-book.ts';
import { unknownSender } from './counter-records.ts';
import {
  amount,
  type Counts,
  noCounts,
  type ObservedPort,
  type Security,
  type Sender,
  type SourceName,
  type Tally,
  type Window,
} from './observation.ts';
import type { TrafficRecord } from './record.ts';

/** A source that was read for a workload, all of it or in part, with the window that it covers there. */
export interface SourceRead {
  readonly source: SourceName;
  readonly window: Window;
}

/** @param port absent: what counters could not put down to a port */
function observedPort(
  workload: Workload,
  port: number | undefined,
  records: readonly TrafficRecord[],
  reads: readonly SourceRead[],
  remains: (read: SourceRead) => Remainder,
): ObservedPort {
  const tallies = reads.map(({ source, window }) => tally(source, window, records));
  const largest = (pick: (tally: Tally) => Counts): Counts =>
    tallies.map(pick).reduce((best, counts) => (amount(counts) > amount(best) ? counts : best), noCounts);
  return {
    namespace: workload.namespace,
    workload: `${workload.kind}/${workload.name}`,
    workloadId: workload.id,
    ...(port === undefined ? {} : { port }),
    mtls: largest((one) => one.mtls),
    plaintext: largest((one) => one.plaintext),
    otherTls: largest((one) => one.otherTls),
    refused: Math.max(0, ...tallies.map((one) => one.refused)),
    tallies,
    senders: [...namedSenders(records), ...unnamedSender(records, reads, remains)].toSorted(
      (a, b) => order(a.security) - order(b.security) || amount(b) - amount(a) || (a.name < b.name ? -1 : 1),
    ),
  };
}

function tally(source: SourceName, window: Window, records: readonly TrafficRecord[]): Tally {
  const own = records.filter((record) => record.source === source);
  const of = (security: Security): Counts => sum(own.filter((record) => record.security === security));
  return {
    source,
    window,
    mtls: of('mtls'),
    plaintext: of('plaintext'),
    otherTls: of('other-tls'),
    refused: refusedIn(own),
  };
}

function refusedIn(records: readonly TrafficRecord[]): number {
  return records.reduce((total, { refused, count }) => (refused === true ? total + count : total), 0);
}

function sum(records: readonly TrafficRecord[]): Counts {
  const counts = { requests: 0, connections: 0, open: 0 };
  for (const record of records) {
    // What was refused did not get through: it is told apart.
    if (record.refused === true) continue;
    counts[record.unit] += record.count;
    counts.open += record.open ?? 0;
  }
  return counts;
}

/** Each caller once for each manner, with the largest count that one source has of it. */
function namedSenders(records: readonly TrafficRecord[]): readonly Sender[] {
  const named = records.filter(({ sender }) => sender.kind !== 'unknown');
  const groups = Map.groupBy(named, ({ sender, security }) => `${security} ${partyKey(sender)}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [makeSender(first.sender, first.security, group)];
  });
}

function order(security: Security): number {
  return { plaintext: 0, 'other-tls': 1, mtls: 2 }[security];
}

function makeSender(party: Party, security: Security, group: readonly TrafficRecord[]): Sender {
  const bySource = [...Map.groupBy(group, ({ source }) => source)];
  const best = bySource
    .map(([, own]) => sum(own))
    .reduce((most, counts) => (amount(counts) > amount(most) ? counts : most), noCounts);
  const open = Math.max(0, ...bySource.map(([, own]) => sum(own).open));
  const last = latestOf(group);
  const taken = latestOf(group.filter(({ refused }) => refused !== true));
  // The access log knows a caller by its address and says which; counters only repeat a name.
  const shown = group.find(({ source }) => source === 'access log')?.sender ?? party;
  return {
    ...shown,
    security,
    ...best,
    open,
    refused: refusedIn(group),
    addresses: distinct(group.map(({ address }) => address)).slice(0, 5),
    userAgents: distinct(group.map(({ userAgent }) => userAgent)).slice(0, 3),
    ...(last === undefined ? {} : { lastSeen: last }),
    ...(taken === undefined ? {} : { lastTaken: taken }),
    knownBy: bySource.map(([source]) => source),
  };
}

function latestOf(records: readonly TrafficRecord[]): string | undefined {
  const times = records.map(({ at }) => at).filter((at) => at !== undefined);
  return times.length === 0 ? undefined : new Date(Math.max(...times)).toISOString();
}

function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}

type Remainder = Pick<Counts, 'requests' | 'connections'>;

/** Plaintext that a source counted in its window beyond what all sources together could put a name to then. */
function remainder(records: readonly TrafficRecord[], { source, window }: SourceRead): Remainder {
  const plaintext = records.filter(({ security }) => security !== 'mtls');
  const own = plaintext.filter((record) => record.source === source);
  const nameless = sum(own.filter(({ sender }) => sender.kind === 'unknown'));
  const total = sum(own);
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const within = plaintext.filter(
    ({ sender, at }) => sender.kind !== 'unknown' && (at === undefined || (at >= from && at <= to)),
  );
  const named = { requests: 0, connections: 0 };
  for (const group of Map.groupBy(within, ({ sender }) => partyKey(sender)).values()) {
    const bySource = [...Map.groupBy(group, (record) => record.source).values()].map(sum);
    named.requests += Math.max(0, ...bySource.map(({ requests }) => requests));
    named.connections += Math.max(0, ...bySource.map(({ connections }) => connections));
  }
  return {
    requests: Math.min(nameless.requests, Math.max(0, total.requests - named.requests)),
    connections: Math.min(nameless.connections, Math.max(0, total.connections - named.connections)),
  };
}

/** The sender whom nobody could name, as the source that counted most of it has it. */
function unnamedSender(
  records: readonly TrafficRecord[],
  reads: readonly SourceRead[],
  remains: (read: SourceRead) => Remainder,
): readonly Sender[] {
  const found = reads.flatMap((read) => {
    const nameless = records.filter(
      ({ source, security, sender }) =>
        source === read.source && security !== 'mtls' && sender.kind === 'unknown',
    );
    const { requests, connections } = remains(read);
    // Connections that only are open were counted when they began; a name for them is in no log before they end.
    const { open } = sum(nameless);
    if (requests + connections + open === 0) return [];
    const party = unknownSender(`${read.source} counted it and nothing names the caller`);
    return [{ ...makeSender(party, 'plaintext', nameless), requests, connections, open }];
  });
  return found.toSorted((a, b) => amount(b) - amount(a)).slice(0, 1);
}

/** Rows for every port that a workload has or that a record names, and one for what no port could be found for. */
export function observedPorts(
  workload: Workload,
  ports: readonly number[],
  records: readonly TrafficRecord[],
  reads: readonly SourceRead[],
): readonly ObservedPort[] {
  // Padlock's own probes and what a pod sends to itself are nobody's business.
  const others = records.filter(({ sender }) => sender.kind !== 'padlock' && sender.kind !== 'self');
  const byPort = Map.groupBy(others, ({ port }) => port);
  const all = [...new Set([...ports, ...byPort.keys()])]
    .filter((port) => port !== undefined)
    .toSorted((a, b) => a - b);
  const rows = all.map((port) => {
    const own = byPort.get(port) ?? [];
    return observedPort(workload, port, own, reads, (read) => remainder(own, read));
  });
  const elsewhere = byPort.get(undefined);
  if (elsewhere === undefined) return rows;
  // A caller whom the log names at a port is not counted once more where a counter knows no port.
  const remains = (read: SourceRead): Remainder => {
    const whole = remainder(others, read);
    const atPorts = all.map((port) => remainder(byPort.get(port) ?? [], read));
    return {
      requests: whole.requests - atPorts.reduce((total, { requests }) => total + requests, 0),
      connections: whole.connections - atPorts.reduce((total, { connections }) => total + connections, 0),
    };
  };
  return [...rows, observedPort(workload, undefined, elsewhere, reads, (read) => positive(remains(read)))];
}

function positive({ requests, connections }: Remainder): Remainder {
  return { requests: Math.max(0, requests), connections: Math.max(0, connections) };
}
