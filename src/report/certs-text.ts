/** `padlock certs`: a table of workload certificates for people, and the inventory as CSV (RFC 4180) for auditors. */
import type { Certificate } from '../evidence/certificates/certificate.ts';
import { type Inventory, type InventoryEntry, trustDomainOf } from '../evidence/certificates/inventory.ts';
import { hang } from './hang.ts';
import { paint } from './style.ts';
import { type Cell, renderTable, type TableOptions } from './table.ts';

/** Renders the whole answer, with a last newline. `now`: milliseconds since the epoch. */
export function renderInventory(inventory: Inventory, now: number, options: TableOptions): string {
  const several = new Set(inventory.entries.map((entry) => entry.namespace)).size > 1;
  const table = renderTable(
    [
      ...(several ? [{ title: 'NAMESPACE' }] : []),
      { title: 'POD' },
      { title: 'ACCOUNT' },
      { title: 'KEY' },
      { title: 'ENDS IN', align: 'right' as const },
      { title: 'RENEWAL IN', align: 'right' as const },
      ...(inventory.roots.length > 1 ? [{ title: 'ROOT' }] : []),
      { title: 'STATE' },
    ],
    inventory.entries.map((entry) => [
      ...(several ? [entry.namespace] : []),
      ...cells(entry, now, inventory.roots.length > 1),
    ]),
    options,
  );
  const parts = [
    inventory.entries.length === 0 ? 'No certificate was read.' : table.trimEnd(),
    findingLines(inventory, options).join('\n'),
    unreadLines(inventory, options).join('\n'),
    rootLines(inventory, now, options),
  ];
  return `${parts.filter((part) => part.length > 0).join('\n\n')}\n`;
}

function cells(entry: InventoryEntry, now: number, showRoot: boolean): readonly Cell[] {
  const [leaf] = entry.chain;
  const worst = entry.findings.find((finding) => finding.severity === 'error') ?? entry.findings[0];
  const state: Cell =
    worst === undefined
      ? { text: 'good', tone: 'good' }
      : { text: worst.problem, tone: worst.severity === 'error' ? 'bad' : 'warn' };
  return [
    entry.pod,
    leaf?.uris.map((uri) => shortIdentity(uri, entry.namespace)).join(', ') ?? '',
    leaf?.key ?? '',
    span(Date.parse(leaf?.validTo ?? '') - now),
    span(Date.parse(entry.renewalDue) - now),
    ...(showRoot ? [entry.roots.map((root) => root.slice(0, 8)).join(' ')] : []),
    state,
  ];
}

/** `cart`, the service account of the pod's own namespace; anything else whole. A wrong one is told below the table. */
function shortIdentity(uri: string, namespace: string): string {
  const [, space, account] = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(uri) ?? [];
  return space === namespace && account !== undefined ? account : uri;
}

/** `23h 12m`, `9y`, `-2h 5m` for what is past. */
export function span(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) return '';
  const sign = milliseconds < 0 ? '-' : '';
  const minutes = Math.floor(Math.abs(milliseconds) / 60_000);
  if (minutes < 2) return `${sign}${Math.floor(Math.abs(milliseconds) / 1000)}s`;
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days >= 730) return `${sign}${Math.floor(days / 365)}y`;
  if (days >= 2) return `${sign}${days}d`;
  return hours === 0 ? `${sign}${minutes}m` : `${sign}${hours}h ${minutes % 60}m`;
}

function findingLines(inventory: Inventory, options: TableOptions): readonly string[] {
  const line = (severity: 'error' | 'warning', text: string): string => {
    const shown = hang(`${severity}: ${text}`, options.width);
    const head = `${severity}:`;
    return paint(head, severity === 'error' ? 'bad' : 'warn', options.color) + shown.slice(head.length);
  };
  const lines = [
    ...inventory.entries.flatMap((entry) =>
      entry.findings.map(({ severity, message }) =>
        line(severity, `${entry.namespace}/${entry.pod}: ${message}`),
      ),
    ),
    ...inventory.findings.map(({ severity, message }) => line(severity, message)),
  ];
  return lines;
}

function unreadLines(inventory: Inventory, options: TableOptions): readonly string[] {
  return inventory.unread.map(({ pod, why, notAllowed }) =>
    hang(
      `${pod}: ${notAllowed ? 'not allowed to look (missing: create pods/portforward)' : `not read (${why})`}`,
      options.width,
    ),
  );
}

function rootLines(inventory: Inventory, now: number, options: TableOptions): string {
  if (inventory.roots.length === 0) return '';
  const lines = inventory.roots.map(({ root, pods }) => {
    const age = span(now - Date.parse(root.validFrom));
    const left = span(Date.parse(root.validTo) - now);
    const facts = [root.subject || 'no subject', root.key, root.signature, `${age} old`, `ends in ${left}`];
    const used = new Set(pods).size;
    return hang(
      `  ${root.fingerprint.slice(0, 16)} ${facts.filter((fact) => fact !== '').join(', ')}, trusted by ${used} ${used === 1 ? 'proxy' : 'proxies'}`,
      options.width,
    );
  });
  const domains = inventory.trustDomains.join(', ') || 'none seen';
  return [`Trust domain: ${domains}`, 'Roots:', ...lines].join('\n');
}

const columns = [
  'role',
  'namespace',
  'workload',
  'pod',
  'spiffe_id',
  'expected_id',
  'trust_domain',
  'subject',
  'issuer',
  'serial',
  'key',
  'key_bits',
  'signature',
  'valid_from',
  'valid_to',
  'renewal_due',
  'age_days',
  'sha256',
  'root_sha256',
  'trusted_by',
  'findings',
] as const;

type CsvRow = Partial<Record<(typeof columns)[number], string>>;

/** One line for each certificate, with a header: those of proxies, their intermediates, and each root in use once. */
export function inventoryCsv(inventory: Inventory): string {
  const now = Date.parse(inventory.takenAt);
  const rows: readonly CsvRow[] = [
    ...inventory.entries.flatMap((entry) =>
      entry.chain.map(
        (certificate, index): CsvRow => ({
          ...certificateFields(certificate, now),
          role: index === 0 ? 'workload' : 'intermediate',
          namespace: entry.namespace,
          workload: entry.workload,
          pod: entry.pod,
          expected_id: index === 0 ? entry.expectedId : '',
          renewal_due: index === 0 ? entry.renewalDue : '',
          root_sha256: entry.roots.join(' '),
          findings: index === 0 ? entry.findings.map((finding) => finding.problem).join(' ') : '',
        }),
      ),
    ),
    ...inventory.roots.map(
      ({ root, pods }): CsvRow => ({
        ...certificateFields(root, now),
        role: 'root',
        trusted_by: String(new Set(pods).size),
      }),
    ),
  ];
  const lines = rows.map((row) => columns.map((column) => row[column] ?? ''));
  return [columns, ...lines].map((line) => `${line.map(csvField).join(',')}\r\n`).join('');
}

function certificateFields(certificate: Certificate, now: number): CsvRow {
  const { uris, subject, issuer, serial, key, keyBits, signature, validFrom, validTo, fingerprint } =
    certificate;
  const age = Math.floor((now - Date.parse(validFrom)) / 86_400_000);
  return {
    spiffe_id: uris.join(' '),
    trust_domain: trustDomainOf(uris) ?? '',
    subject,
    issuer,
    serial,
    key,
    key_bits: keyBits === 0 ? '' : String(keyBits),
    signature,
    valid_from: validFrom,
    valid_to: validTo,
    age_days: Number.isNaN(age) ? '' : String(age),
    sha256: fingerprint,
  };
}

/** A text that a spreadsheet would take for a formula gets a quote before it. */
function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
