import type { VerifyRow } from '../../evidence/verify/row.ts';

/** What reports for machines are made of: all rows, or those that were done when the run ended early. */
export interface ReportedRows {
  readonly rows: readonly VerifyRow[];
  /** Why the run ended early; absent when it did not. */
  readonly failure?: string;
}
