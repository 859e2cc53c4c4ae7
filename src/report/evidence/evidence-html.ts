/** The evidence as one HTML page: no script, no network, readable on paper. */
import type { Inventory } from '../../evidence/certificates/inventory.ts';
import type { CoverFacts } from '../../evidence/cover-facts.ts';
import type { ShownCertificate } from '../../evidence/probe/outcome.ts';
import type { ConfiguredPod, PodSync, VerifyRow } from '../../evidence/verify/row.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import {
  configuredWords,
  declaredWords,
  mutualTlsWords,
  observedWords,
  olderPlaintextSentence,
  plaintextWords,
} from '../verify/verify-report.ts';
import { controls } from './controls.ts';

export interface EvidenceFacts {
  readonly verification: Verification;
  readonly inventory: Inventory;
  /** What was asked, as a command line. */
  readonly question: string;
  readonly padlockVersion: string;
  readonly cover: CoverFacts;
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
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin: .4rem 0; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d0d7de; vertical-align: top; overflow-wrap: anywhere; }
th { background: #f6f8fa; white-space: nowrap; } td.short { white-space: nowrap; overflow-wrap: normal; }
.verdict { font-weight: 700; white-space: nowrap; } .PROVEN { color: #116329; } .FAILED { color: #a40e26; } .INCONCLUSIVE { color: #7a4d00; }
.banner { border-left: .35rem solid currentColor; padding: .4rem .9rem; background: #f6f8fa; font-size: 1.05rem; }
.finding { border-left: .25rem solid #a40e26; padding: .1rem .7rem; margin: .3rem 0; }
.raw { color: #57606a; font-family: ui-monospace, monospace; font-size: .8rem; display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: #57606a; } dd { margin: 0; }
@page { margin: 14mm; }
@media print {
  body { margin: 0; max-width: none; font-size: 9.5pt; } th, .banner { background: none; }
  thead { display: table-header-group; } tr, dl, .finding { break-inside: avoid; } h2, h3 { break-after: avoid; }
}
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
<p class="banner verdict ${verification.verdict}">${verification.verdict}: ${text(summary(verification))}</p>
${head(facts)}
${wordsUsed}
${rowsTable(verification)}
<h2>Port by port</h2>
${verification.rows.map(rowDetails).join('\n')}
${certificatesTable(facts.inventory)}
<h2>What this does not show</h2>
<ul>
${verification.limits.map((limit) => `<li>${text(limit)}</li>`).join('\n')}
<li>what was true before ${text(verification.startedAt)} or after ${text(verification.finishedAt)}</li>
<li>answers of applications are kept as their size and SHA-256 only; secrets are never read</li>
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
    ['Asked by', facts.cover.askedBy],
    ['Cluster', `${verification.context} (kube-system ${facts.cover.clusterId})`],
    ['From', verification.startedAt],
    ['To', verification.finishedAt],
    ['Kubernetes', facts.cover.kubernetes],
    ['Istio proxies', facts.istioVersions.join(', ') || 'not read'],
    ['Padlock', facts.padlockVersion],
  ];
  return `<dl>\n${entries.map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`).join('\n')}\n</dl>`;
}

function summary({ rows }: Verification): string {
  const count = (verdict: string): number => rows.filter((row) => row.judgement.verdict === verdict).length;
  return `${count('PROVEN')} of ${rows.length} ports proven, ${count('FAILED')} failed, ${count('INCONCLUSIVE')} inconclusive`;
}

const wordsUsed = `<h2>How to read this</h2>
<p><strong>Declared</strong> is what the policies say. <strong>Configured</strong> is what each pod’s proxy had loaded.
<strong>Observed</strong> is what its traffic did in the window below. <strong>Proven</strong> is what active probes met: a port is
PROVEN only where every pod refused plaintext and a request by mutual TLS was accepted under the expected SPIFFE identities, and
where no column contradicts another. What could not be looked at is INCONCLUSIVE, never a pass.</p>`;

function table(titles: readonly string[], rows: readonly string[]): string {
  const head = titles.map((title) => `<th scope="col">${text(title)}</th>`).join('');
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table>`;
}

function rowsTable(verification: Verification): string {
  const titles = [
    'Namespace',
    'Workload',
    'Port',
    'Declared',
    'Configured',
    'Observed',
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
      observedWords(row),
      plaintextWords(row),
      mutualTlsWords(row),
    ];
    const { verdict } = row.judgement;
    return `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}<td class="verdict ${verdict}">${verdict}</td></tr>`;
  });
  return `<h2>Ports</h2>\n${table(titles, rows)}`;
}

function rowDetails(row: VerifyRow): string {
  const { judgement } = row;
  const next = judgement.next === undefined ? '' : ` Next: ${judgement.next}.`;
  const findings = judgement.disagreements.map(({ message }) => `<p class="finding">${text(message)}</p>`);
  return `<section>
<h3>${text(`${row.namespace}/${row.workload}:${row.port}`)} <span class="verdict ${judgement.verdict}">${judgement.verdict}</span></h3>
<p>${text(`${judgement.reason}.${next}`)}</p>
${findings.join('\n')}
<dl>
<dt>Declared</dt><dd>${text(`${declaredWords(row)}: ${row.declared.because.map((reason) => reason.text).join('; ')}`)}</dd>
<dt>Configured</dt><dd>${row.configured.map((pod) => text(configuredSentence(pod))).join('<br>') || 'no pod'}</dd>
<dt>Acknowledged</dt><dd>${row.sync.map((pod) => text(syncSentence(pod))).join('<br>') || 'istiod was not asked'}</dd>
<dt>Observed</dt><dd>${text(observedSentence(row))}</dd>
</dl>
${table(['Time (UTC)', 'Probe', 'Caller', 'Target', 'Answer'], probeRows(row))}
</section>`;
}

function configuredSentence(pod: ConfiguredPod): string {
  if (!('configured' in pod)) return `${pod.pod}: ${pod.notAllowed ? 'not allowed to look' : pod.unread}`;
  const { mode, version, acceptedNames, chains, notes } = pod.configured;
  const names = acceptedNames.length === 0 ? '' : `, client certificates of ${acceptedNames.join(', ')}`;
  const met = chains.map(({ caller, chain, socket, blackhole }) => {
    const end = chain === undefined ? 'is closed' : blackhole ? 'leads nowhere' : (socket?.kind ?? 'unknown');
    return `${caller} ${end}`;
  });
  const loaded = version === undefined ? '' : ` (version ${version})`;
  return [`${pod.pod}: ${mode}${loaded}${names}; ${[...new Set(met)].join(', ')}`, ...notes].join('; ');
}

function syncSentence({ pod, connected, stale, error }: PodSync): string {
  if (!connected) return `${pod}: connected to no istiod`;
  if (error !== undefined) return `${pod}: refused an update (${error})`;
  return stale.length === 0 ? `${pod}: everything sent` : `${pod}: not yet ${stale.join(', ')}`;
}

function observedSentence(row: VerifyRow): string {
  const { observed } = row;
  if (!observed.looked) return observed.why;
  const { from, to, sources, senders, unseen } = observed;
  const who = senders.map(({ name, namespace, count, lastSeen }) => {
    const where = namespace === undefined ? '' : ` of ${namespace}`;
    return `plaintext from ${name}${where}: ${count}${lastSeen === undefined ? '' : `, last ${lastSeen}`}`;
  });
  const older = olderPlaintextSentence(row);
  return [
    `${observedWords(row)}, from ${from} to ${to} by ${sources.join(' and ')}`,
    ...who,
    ...(older === undefined ? [] : [older]),
    ...unseen.map((one) => `not seen: ${one}`),
  ].join('; ');
}

const foreignKinds = {
  none: 'TLS without client certificate',
  'self-signed': 'TLS with a self-signed client certificate',
} as const satisfies Record<ShownCertificate, string>;

function probeRows(row: VerifyRow): readonly string[] {
  const probes = [
    ...row.plaintext.map((probe) => ({ ...probe, kind: 'plaintext' })),
    ...row.foreignTls.map((probe) => ({ ...probe, kind: foreignKinds[probe.outcome.shown] })),
    ...(row.mutualTls === undefined ? [] : [{ ...row.mutualTls, kind: 'mutual TLS' }]),
  ];
  return probes.map(({ kind, at, caller, target, outcome }) => {
    const served =
      'served' in outcome && outcome.served !== undefined ? ` (shown: ${outcome.served.join(', ')})` : '';
    const raw = outcome.raw === undefined ? '' : `<span class="raw">${text(outcome.raw)}</span>`;
    const answer = `${text(`${outcome.kind}: ${outcome.detail}${served}`)}${raw}`;
    const time = at.slice(11, 23);
    return `<tr><td class="short">${text(time)}</td><td>${kind}</td><td>${text(caller)}</td><td>${text(target)}</td><td>${answer}</td></tr>`;
  });
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
  return `<h2>Certificates</h2>\n${table(titles, rows)}\n<ul>${roots.join('')}${unread.join('')}</ul>`;
}
