/** The dashboard's `--port`: like any port, and 0 for any free one. */
import { parsePort } from './common-flags.ts';

/** @throws PadlockError `USAGE` outside 0 to 65535 */
export function parseDashboardPort(input: string): number {
  return input === '0' ? 0 : parsePort(input);
}
