/** The evidence as one HTML page: no script, no network, readable on paper. */
import type { Inventory } from '../../evidence/certificates/inventory.ts';
import type { VerifyRow } from '../../evidence/verify/row.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import { configuredWords, declaredWords, mutualTlsWords, plaintextWords } from '../verify/verify-report.ts';
import { controls } from './controls.ts';

export interface EvidenceFacts {
  readonly verification: Verification;
  readonly inventory: Inventory;
  /** What was asked, as a command line. */
  readonly question: string;
  readonly padlockVersion: string;
  readonly kubernetesVersion: string;
  readonly istioVersions: readonly string[];
}

/** Text in HTML, nothing of it markup. */
function text(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const style = `
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #d0d7de; vertical-align: top; overflow-wrap: anywhere; }
th { background: #f6f8fa; } caption { text-align: left; font-weight: 600; padding: .3rem 0; }
.verdict { font-weight: 700; white-space: nowrap; } .PROVEN { color: #116329; } .FAILED { color: #a40e26; } .INCONCLUSIVE { color: #7a4d00; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: #57606a; } dd { margin: 0; }
details { margin: .4rem 0; } code { font-size: .9em; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } tr, dl { break-inside: avoid; } details > * { display: block; } }
`;

/** Renders the whole page. */
export function renderEvidenceHtml(facts: EvidenceFacts): string {
  const { verification } = facts;
  const title = `Mutual TLS evidence: ${verification.namespaces.join(', ')}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${text(title)}</h1>
<p class="verdict ${verification.verdict}">${verification.verdict}</p>
${head(facts)}
${rowsTable(verification)}
${verification.rows.map(rowDetails).join('\n')}
${certificatesTable(facts.inventory)}
<h2>What this does not show</h2>
<ul>
${verification.limits.map((limit) => `<li>${text(limit)}</li>`).join('\n')}
<li>what was true before ${text(verification.startedAt)} or after ${text(verification.finishedAt)}</li>
</ul>
<h2>Requirements that this supports</h2>
<p>Whether a requirement is met is for its assessor to say.</p>
<ul>
${controls.map(({ name, text: what }) => `<li><strong>${text(name)}</strong>: ${text(what)}</li>`).join('\n')}
</ul>
</main>
</body>
</html>
`;
}

function head(facts: EvidenceFacts): string {
  const { verification } = facts;
  const entries: readonly (readonly [string, string])[] = [
    ['Asked', facts.question],
    ['Cluster', verification.context],
    ['From', verification.startedAt],
    ['To', verification.finishedAt],
    ['Kubernetes', facts.kubernetesVersion],
    ['Istio proxies', facts.istioVersions.join(', ') || 'not read'],
    ['Padlock', facts.padlockVersion],
  ];
  return `<dl>\n${entries.map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`).join('\n')}\n</dl>`;
}

function rowsTable(verification: Verification): string {
  const titles = [
    'Namespace',
    'Workload',
    'Port',
    'Declared',
    'Configured',
    'Plaintext',
    'Mutual TLS',
    'Verdict',
  ];
  const rows = verification.rows.map((row) => {
    const cells = [
      row.namespace,
      row.workload,
      String(row.port),
      declaredWords(row),
      configuredWords(row.configured),
      plaintextWords(row),
      mutualTlsWords(row),
    ];
    const { verdict } = row.judgement;
    return `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}<td class="verdict ${verdict}">${verdict}</td></tr>`;
  });
  return `<h2>Ports</h2>\n<table>\n<thead><tr>${titles.map((title) => `<th scope="col">${title}</th>`).join('')}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table>`;
}

function rowDetails(row: VerifyRow): string {
  const { judgement } = row;
  const probes = [
    ...row.plaintext.map((probe) => ({ ...probe, kind: 'plaintext' })),
    ...row.foreignTls.map((probe) => ({ ...probe, kind: 'TLS without certificate' })),
    ...(row.mutualTls === undefined ? [] : [{ ...row.mutualTls, kind: 'mutual TLS' }]),
  ];
  const lines = probes.map(({ kind, at, caller, target, outcome }) => {
    const detail = 'detail' in outcome ? outcome.detail : '';
    return `<tr><td>${text(at)}</td><td>${kind}</td><td>${text(caller)}</td><td>${text(target)}</td><td>${text(outcome.kind)}: ${text(detail)}</td></tr>`;
  });
  const because = row.declared.because.map(({ text: reason }) => `<li>${text(reason)}</li>`).join('');
  const contradictions = judgement.disagreements
    .map(({ message }) => `<p class="FAILED">${text(message)}</p>`)
    .join('');
  return `<details open>
<summary>${text(`${row.namespace}/${row.workload}:${row.port}`)} <span class="verdict ${judgement.verdict}">${judgement.verdict}</span></summary>
<p>${text(judgement.reason)}${judgement.next === undefined ? '' : `. Next: ${text(judgement.next)}`}</p>
${contradictions}
<ul>${because}</ul>
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Probe</th><th scope="col">Caller</th><th scope="col">Target</th><th scope="col">Answer</th></tr></thead>
<tbody>${lines.join('\n')}</tbody>
</table>
</details>`;
}

function certificatesTable(inventory: Inventory): string {
  const titles = [
    'Pod',
    'SPIFFE id',
    'Issuer',
    'Serial',
    'Key',
    'Signature',
    'From',
    'To',
    'Renewal due',
    'Findings',
  ];
  const rows = inventory.entries.map((entry) => {
    const [leaf] = entry.chain;
    const cells = [
      `${entry.namespace}/${entry.pod}`,
      leaf?.uris.join(', ') ?? '',
      leaf?.issuer ?? '',
      leaf?.serial ?? '',
      leaf?.key ?? '',
      leaf?.signature ?? '',
      leaf?.validFrom ?? '',
      leaf?.validTo ?? '',
      entry.renewalDue,
      entry.findings.map((finding) => finding.message).join('; ') || 'none',
    ];
    return `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
  });
  const roots = inventory.roots.map(
    ({ root, pods }) =>
      `<li><code>${text(root.fingerprint)}</code> ${text(root.subject)}, until ${text(root.validTo)}, in ${pods.length} proxies</li>`,
  );
  const unread = inventory.unread.map(({ pod, why }) => `<li>${text(pod)} was not read: ${text(why)}</li>`);
  return `<h2>Certificates</h2>\n<table>\n<thead><tr>${titles.map((title) => `<th scope="col">${title}</th>`).join('')}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table>\n<ul>${roots.join('')}${unread.join('')}</ul>`;
}
