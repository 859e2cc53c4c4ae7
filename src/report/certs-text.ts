/** `padlock certs`: a table of workload certificates for people, and the inventory as CSV (RFC 4180) for auditors. */
import type { Inventory, InventoryEntry } from '../evidence/certificates/inventory.ts';
import { paint } from './style.ts';
import { type Cell, renderTable, type TableOptions } from './table.ts';

/** Renders the whole answer, with a last newline. `now`: milliseconds since the epoch. */
export function renderInventory(inventory: Inventory, now: number, options: TableOptions): string {
  const several = new Set(inventory.entries.map((entry) => entry.namespace)).size > 1;
  const table = renderTable(
    [
      ...(several ? [{ title: 'NAMESPACE' }] : []),
      { title: 'POD' },
      { title: 'IDENTITY' },
      { title: 'KEY' },
      { title: 'SIGNED' },
      { title: 'ENDS IN', align: 'right' as const },
      { title: 'RENEWAL IN', align: 'right' as const },
      { title: 'ROOT' },
      { title: 'STATE' },
    ],
    inventory.entries.map((entry) => [...(several ? [entry.namespace] : []), ...cells(entry, now)]),
    options,
  );
  const parts = [
    inventory.entries.length === 0 ? 'No certificate was read.' : table.trimEnd(),
    ...findingLines(inventory, options),
    ...inventory.unread.map(({ pod, why }) => `${pod}: not read (${why})`),
    rootsLine(inventory),
  ];
  return `${parts.filter((part) => part !== '').join('\n')}\n`;
}

function cells(entry: InventoryEntry, now: number): readonly Cell[] {
  const [leaf] = entry.chain;
  const worst = entry.findings.find((finding) => finding.severity === 'error') ?? entry.findings[0];
  const state: Cell =
    worst === undefined
      ? { text: 'good', tone: 'good' }
      : { text: worst.problem, tone: worst.severity === 'error' ? 'bad' : 'warn' };
  return [
    entry.pod,
    leaf?.uris.join(', ') ?? '',
    leaf?.key ?? '',
    leaf?.signature ?? '',
    span(Date.parse(leaf?.validTo ?? '') - now),
    span(Date.parse(entry.renewalDue) - now),
    entry.roots.map((root) => root.slice(0, 8)).join(' '),
    state,
  ];
}

/** `23h 12m`, `9y`, `-2h 5m` for what is past. */
export function span(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) return '';
  const sign = milliseconds < 0 ? '-' : '';
  const minutes = Math.floor(Math.abs(milliseconds) / 60_000);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days >= 730) return `${sign}${Math.floor(days / 365)}y`;
  if (days >= 2) return `${sign}${days}d`;
  return hours === 0 ? `${sign}${minutes}m` : `${sign}${hours}h ${minutes % 60}m`;
}

function findingLines(inventory: Inventory, options: TableOptions): readonly string[] {
  const paintFor = (severity: 'error' | 'warning'): string =>
    paint(`${severity}:`, severity === 'error' ? 'bad' : 'warn', options.color);
  const own = inventory.entries.flatMap((entry) =>
    entry.findings.map(
      ({ severity, message }) => `${paintFor(severity)} ${entry.namespace}/${entry.pod}: ${message}`,
    ),
  );
  const mesh = inventory.findings.map(({ severity, message }) => `${paintFor(severity)} ${message}`);
  const lines = [...own, ...mesh];
  return lines.length === 0 ? [] : ['', ...lines];
}

function rootsLine(inventory: Inventory): string {
  if (inventory.roots.length === 0) return '';
  const shown = inventory.roots.map(
    ({ root, pods }) =>
      `${root.fingerprint.slice(0, 16)} (${root.subject || 'no subject'}, ${root.key}, until ${root.validTo.slice(0, 10)}) in ${pods.length} proxies`,
  );
  return `\nRoots: ${shown.join('; ')}`;
}

const columns = [
  'namespace',
  'workload',
  'pod',
  'spiffe_id',
  'expected_id',
  'issuer',
  'serial',
  'key',
  'signature',
  'valid_from',
  'valid_to',
  'renewal_due',
  'sha256',
  'root_sha256',
  'findings',
] as const;

/** One line for each proxy's certificate, with a header. */
export function inventoryCsv(inventory: Inventory): string {
  const rows = inventory.entries.map((entry) => {
    const [leaf] = entry.chain;
    return [
      entry.namespace,
      entry.workload,
      entry.pod,
      leaf?.uris.join(' ') ?? '',
      entry.expectedId,
      leaf?.issuer ?? '',
      leaf?.serial ?? '',
      leaf?.key ?? '',
      leaf?.signature ?? '',
      leaf?.validFrom ?? '',
      leaf?.validTo ?? '',
      entry.renewalDue,
      leaf?.fingerprint ?? '',
      entry.roots.join(' '),
      entry.findings.map((finding) => finding.problem).join(' '),
    ];
  });
  return [columns, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}

/** A text that a spreadsheet would take for a formula gets a quote before it. */
function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
