/** One thing that a source saw: so much of one kind, from one sender, at one workload's port. */
import { type Party, partyKey } from './address-book.ts';
import type { Security, SourceName } from './observation.ts';

export interface TrafficRecord {
  readonly source: SourceName;
  readonly workloadId: string;
  /** Absent: the source does not tell it. */
  readonly port?: number;
  readonly security: Security;
  readonly unit: 'requests' | 'connections';
  readonly count: number;
  /** Connections of the kind that are open at the end. */
  readonly open?: number;
  readonly refused?: true;
  readonly sender: Party;
  readonly address?: string;
  readonly userAgent?: string;
  /** Milliseconds since the epoch; absent where the source has no times. */
  readonly at?: number;
}

/**
 * The same records with alike ones added up, so that a log of a million requests is a few of them. What came before a moment
 * and what came after it stay apart.
 */
export function compacted(records: readonly TrafficRecord[], moment: number): readonly TrafficRecord[] {
  const groups = new Map<string, TrafficRecord>();
  for (const record of records) {
    const { port, security, unit, refused, sender, address, userAgent, at } = record;
    const late = at === undefined ? '' : String(at >= moment);
    const key = JSON.stringify([port, security, unit, refused, partyKey(sender), address, userAgent, late]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, record);
    else groups.set(key, { ...known, count: known.count + record.count, ...latest(known.at, at) });
  }
  return [...groups.values()];
}

function latest(a: number | undefined, b: number | undefined): { readonly at?: number } {
  return a === undefined || b === undefined ? {} : { at: Math.max(a, b) };
}
