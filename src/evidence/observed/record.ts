/** One thing that a source saw: so much of one kind, from one sender, at one workload's port. */
import type { Party } from './address-book.ts';
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
