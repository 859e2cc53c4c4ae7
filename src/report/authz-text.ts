/** `padlock authz` for a terminal. */
import type { DryRunCount } from '../evidence/authz/denied.ts';
import type { Suggestion } from '../evidence/authz/suggest.ts';
import type { Uncovered } from '../evidence/authz/uncovered.ts';
import { type Cell, renderTable, type TableOptions } from './table.ts';

/** What goes beside the policies, on standard error: what was left out, and why. */
export function renderSuggestions(namespace: string, suggestions: readonly Suggestion[]): string {
  const made = suggestions.filter(({ policy }) => policy !== undefined).length;
  const lines = suggestions.flatMap(({ workload, notes }) =>
    notes.map((note) => `${workload.kind}/${workload.name}: ${note}\n`),
  );
  return `${made} of ${suggestions.length} workloads of ${namespace} get a policy.\n${lines.join('')}`;
}

export interface DeniedReport {
  readonly namespace: string;
  readonly counts: readonly DryRunCount[];
  readonly callers: readonly Uncovered[];
  readonly unread: readonly string[];
}

export function renderDenied(report: DeniedReport, options: TableOptions): string {
  const { namespace, counts, callers, unread } = report;
  const missing = unread.map((reason) => `not read: ${reason}\n`).join('');
  if (counts.length === 0) {
    return `No proxy of ${namespace} counts a dry run; apply what \`padlock authz suggest ${namespace}\` prints.\n${missing}`;
  }
  const table = renderTable(
    [
      { title: 'WORKLOAD' },
      { title: 'POD' },
      { title: 'PORT' },
      { title: 'WOULD ALLOW', align: 'right' },
      { title: 'WOULD DENY', align: 'right' },
    ],
    counts.map(({ workload, pod, port, allowed, denied }): Cell[] => [
      workload,
      pod,
      port,
      String(allowed),
      { text: String(denied), tone: denied > 0 ? 'bad' : 'good' },
    ]),
    options,
  );
  const who = callers.map(({ server, call }) => {
    const what = call.method === undefined ? 'a connection' : `${call.method} ${call.path}`;
    return `${server}:${call.port} from ${call.principal ?? call.address}: ${what}, ${call.count} times\n`;
  });
  return `${table}\n${who.length === 0 ? '' : `\nNot named by the dry runs:\n${who.join('')}`}${missing}`;
}
