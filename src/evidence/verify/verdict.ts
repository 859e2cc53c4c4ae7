/**
 * From the columns of a row to its verdict: rules in order, the first that has something to say wins. PROVEN is what is
 * left when none has: plaintext refused on every pod, and mutual TLS accepted with the expected identities.
 */
import { formatRef } from '../../istio/kubernetes.ts';
import type { Configured } from '../envoy/inbound.ts';
import { findDisagreements, isRefusal, loadedChains, plaintextSeen } from './disagreements.ts';
import type { DisagreementKind, Judgement, Verdict, VerifyRow } from './row.ts';

type Columns = Omit<VerifyRow, 'judgement'>;
type Decision = {
  readonly verdict: Exclude<Verdict, 'PROVEN'>;
  readonly reason: string;
  readonly next: string;
};
type Rule = (row: Columns) => Decision | null;

const rules: readonly Rule[] = [
  noPods,
  plaintextAnswered,
  noProxy,
  foreignTlsAnswered,
  badCertificate,
  mutualTlsWentWrong,
  configuredTakesPlaintext,
  configuredTakesAnybody,
  plaintextObserved,
  policyTakesPlaintext,
  probesKeptAway,
  plaintextNotRefused,
  mutualTlsNotShown,
  configuredNotKnown,
  columnsDisagree,
];

/** Draws the verdict of a row. Never rounds up: a column that could not be seen, and that the proof rests on, is INCONCLUSIVE. */
export function judge(row: Columns): Judgement {
  const disagreements = findDisagreements(row);
  for (const rule of rules) {
    const decision = rule(row);
    if (decision !== null) return { ...decision, disagreements };
  }
  const accepted = row.mutualTls?.outcome;
  const shown = accepted?.kind === 'accepted' ? accepted.client : '';
  return {
    verdict: 'PROVEN',
    reason: `plaintext is refused, mutual TLS is accepted from ${shown}`,
    disagreements,
  };
}

function noPods(row: Columns): Decision | null {
  if (row.pods.length > 0) return null;
  return { verdict: 'INCONCLUSIVE', reason: 'no pod of it runs', next: 'scale it up, then verify again' };
}

function plaintextAnswered(row: Columns): Decision | null {
  const answered = row.plaintext.find(({ outcome }) => outcome.kind === 'answered');
  if (answered?.outcome.kind !== 'answered') return null;
  const who = answered.outcome.by === 'proxy' ? 'the proxy took plaintext' : 'plaintext was answered';
  return {
    verdict: 'FAILED',
    reason: `${who} by ${answered.pod} (${answered.outcome.detail})`,
    next: whyOpen(row),
  };
}

/** What stands between the row and STRICT, most basic first. */
function whyOpen(row: Columns): string {
  const { declared } = row;
  if (!declared.captured) return withoutProxy(row);
  if (declared.mode !== 'STRICT') {
    const from = declared.policy === undefined ? 'no policy says otherwise' : formatRef(declared.policy);
    return `the mode is ${declared.mode} (${from}); "padlock secure ${row.namespace}" takes it to STRICT`;
  }
  const open = row.configured.find((pod) => 'configured' in pod && pod.configured.acceptsPlaintext);
  if (open !== undefined) {
    const [filter] = row.circumstances.envoyFilters;
    const suspect = filter === undefined ? 'see istioctl proxy-status' : `look at ${filter}`;
    return `the policy is STRICT but the proxy of ${open.pod} has not loaded it: ${suspect}`;
  }
  return 'the policy is STRICT, yet something answers: look for a hostPort, an excluded port or a second listener';
}

function withoutProxy(row: Columns): string {
  const last = row.declared.because.at(-1)?.text;
  const why = last === undefined ? '' : ` (${last})`;
  return `no sidecar guards the port${why}: inject it, or take the port out of the exclusions`;
}

function noProxy(row: Columns): Decision | null {
  if (row.declared.captured) return null;
  return {
    verdict: 'FAILED',
    reason: 'no sidecar guards this port, so nothing refuses plaintext',
    next: withoutProxy(row),
  };
}

/** Under STRICT the proxy ends TLS itself and asks for a certificate; an answer means that it did not. */
function foreignTlsAnswered(row: Columns): Decision | null {
  const answered = row.foreignTls.find(({ outcome }) => outcome.kind === 'answered');
  if (answered?.outcome.kind !== 'answered' || row.declared.mode !== 'STRICT') return null;
  return {
    verdict: 'FAILED',
    reason: `TLS ${answered.outcome.shown === 'self-signed' ? 'with a self-signed client certificate' : 'without a client certificate'} was answered by ${answered.pod} (${answered.outcome.detail})`,
    next: whyOpen(row),
  };
}

function badCertificate(row: Columns): Decision | null {
  const bad = row.certificates.find((finding) => finding.severity === 'error');
  if (bad === undefined) return null;
  return {
    verdict: 'FAILED',
    reason: `${bad.pod}${bad.seen === 'handshake' ? ', in the TLS handshake' : ''}: ${bad.message}`,
    next: 'see "padlock certs"; a restart of the pod asks for a new certificate',
  };
}

function mutualTlsWentWrong(row: Columns): Decision | null {
  const outcome = row.mutualTls?.outcome;
  switch (outcome?.kind) {
    case 'wrong-identity':
      return {
        verdict: 'FAILED',
        reason: outcome.detail,
        next: 'see "padlock certs" for whose certificates these are',
      };
    case 'tls-failed':
      return {
        verdict: 'FAILED',
        reason: `mutual TLS fails: ${outcome.detail}`,
        next: 'see "padlock certs" for validity and roots',
      };
    case 'plaintext':
      return {
        verdict: 'FAILED',
        reason: `a mesh client’s request came in plaintext: ${outcome.detail}`,
        next: 'look for a DestinationRule that says DISABLE, and for excluded outbound ports',
      };
    default:
      return null;
  }
}

function configuredTakesPlaintext(row: Columns): Decision | null {
  const open = row.configured.find((pod) => 'configured' in pod && pod.configured.acceptsPlaintext);
  if (open === undefined) return null;
  return {
    verdict: 'FAILED',
    reason: `the proxy of ${open.pod} has a filter chain that takes plaintext`,
    next: whyOpen(row),
  };
}

function configuredTakesAnybody(row: Columns): Decision | null {
  const open = row.configured.find((pod) => 'configured' in pod && takesAnybody(pod.configured));
  if (open === undefined) return null;
  return {
    verdict: 'FAILED',
    reason: `the proxy of ${open.pod} takes TLS from callers without a certificate`,
    next: 'Istio never sets this up: look for an EnvoyFilter, or a Sidecar resource with its own ingress TLS',
  };
}

function takesAnybody({ acceptsAnonymousTls, mode }: Configured): boolean {
  return acceptsAnonymousTls || mode === 'ANONYMOUS_TLS';
}

/** Probes show what one caller hears; where the chains leave open what others do, nothing is proven. */
function configuredNotKnown(row: Columns): Decision | null {
  const open = row.configured.find((pod) => 'configured' in pod && pod.configured.mode === 'UNKNOWN');
  if (open === undefined || !('configured' in open)) return null;
  const why = open.configured.notes.join('; ') || 'its configuration does not tell';
  return {
    verdict: 'INCONCLUSIVE',
    reason: `the probe was refused, but whom else the proxy of ${open.pod} lets in is not known: ${why}`,
    next: 'verify again; where it stays, look for an EnvoyFilter that changes the inbound listener',
  };
}

function policyTakesPlaintext(row: Columns): Decision | null {
  if (!row.declared.plaintext || row.plaintext.some(({ outcome }) => isRefusal(outcome.kind))) return null;
  return {
    verdict: 'FAILED',
    reason: `the policy takes plaintext (${row.declared.mode})`,
    next: whyOpen(row),
  };
}

function probesKeptAway(row: Columns): Decision | null {
  if (row.probesAllowed) return null;
  return {
    verdict: 'INCONCLUSIVE',
    reason: 'the pods’ annotation padlock.dev/probe keeps probes away',
    next: 'remove the annotation to have it proven',
  };
}

/** Every pod must refuse, and the refusal must be the proxy's: its chains say so, or the same request by mutual TLS was taken. */
function plaintextNotRefused(row: Columns): Decision | null {
  for (const probe of row.plaintext) {
    const { outcome, pod } = probe;
    const loaded = loadedChains(row, pod);
    const strict = loaded !== undefined && loaded.mode !== 'UNKNOWN' && !loaded.acceptsPlaintext;
    const accepted = row.mutualTls?.outcome.kind === 'accepted';
    if (outcome.kind === 'reset' && (strict || accepted)) continue;
    if (outcome.kind === 'closed' && strict && accepted) continue;
    return { verdict: 'INCONCLUSIVE', ...unclearRefusal(outcome.kind, pod, outcome) };
  }
  if (row.plaintext.length >= row.pods.length) return null;
  return {
    verdict: 'INCONCLUSIVE',
    reason: 'plaintext was not tried on every pod',
    next: 'verify again',
  };
}

function unclearRefusal(
  kind: string,
  pod: string,
  outcome: { readonly detail?: string; readonly right?: string },
): { readonly reason: string; readonly next: string } {
  const detail = outcome.detail ?? '';
  const missing = outcome.right ?? '';
  const sentences: Readonly<Record<string, readonly [string, string]>> = {
    reset: [
      `plaintext to ${pod} was reset, but nothing shows that the proxy did it and not the application`,
      'allow reading the proxy (padlock rbac --for configured), or use --probe-pods',
    ],
    closed: [
      `plaintext to ${pod} was closed without an answer, by whom is not shown`,
      'allow reading the proxy (padlock rbac --for configured), or use --probe-pods',
    ],
    'nothing-listens': [
      `nothing listens on ${pod}, not even its proxy`,
      'is the port right, and the pod ready?',
    ],
    dropped: [
      `the connection to ${pod} is dropped on the way, as a network policy does (${detail})`,
      'probe from inside with --probe-pods, and let the policy allow that',
    ],
    timeout: [
      `${pod} took the connection and gave no answer in time (${detail})`,
      'is the application up? verify again',
    ],
    unreachable: [`${pod} cannot be reached (${detail})`, 'probe from inside with --probe-pods'],
    'not-allowed': [
      `not allowed to probe ${pod} (missing: ${missing})`,
      'padlock rbac --for verify prints the Role; or use --probe-pods',
    ],
    'not-run': [`plaintext could not be tried on ${pod}: ${detail}`, 'verify again, or use --probe-pods'],
  };
  const [reason, next] = sentences[kind] ?? [`plaintext to ${pod}: ${detail}`, 'verify again'];
  return { reason, next };
}

function mutualTlsNotShown(row: Columns): Decision | null {
  const outcome = row.mutualTls?.outcome;
  if (outcome === undefined) {
    const missing = row.mutualTlsMissing ?? 'no client';
    return {
      verdict: 'INCONCLUSIVE',
      reason: `plaintext is refused; mutual TLS was not tried: ${missing}`,
      next: missing.startsWith('no Service')
        ? 'add the port to a Service if the mesh shall call it; as it is, only plaintext callers could'
        : 'use --probe-pods, which brings a client of its own',
    };
  }
  if (outcome.kind === 'accepted') return null;
  if (outcome.kind === 'not-allowed') {
    return {
      verdict: 'INCONCLUSIVE',
      reason: `plaintext is refused; not allowed to try mutual TLS (missing: ${outcome.right})`,
      next: 'padlock rbac --for verify prints the Role',
    };
  }
  const next =
    outcome.kind === 'unrecorded'
      ? 'turn on access logs (Telemetry or meshConfig.accessLogFile), or use an application that echoes headers'
      : 'is the application up? verify again';
  return { verdict: 'INCONCLUSIVE', reason: `plaintext is refused; mutual TLS: ${outcome.detail}`, next };
}

function columnsDisagree(row: Columns): Decision | null {
  const [first] = findDisagreements(row);
  if (first === undefined) return null;
  return { verdict: 'INCONCLUSIVE', reason: first.message, next: nextSteps[first.kind] };
}

const nextSteps = {
  'declared-not-configured': 'wait for the proxies to catch up and verify again; see istioctl proxy-status',
  'envoy-filter': 'look at that EnvoyFilter',
  'pod-older-than-policy': 'restart the pod, and look into why its proxy hears nothing',
  'proxy-stale': 'verify again; where it stays, restart the pod and look into its proxy’s log',
  'proxy-refused-update': 'an EnvoyFilter or a newer field than the proxy knows: see the proxy’s log',
  'proxy-not-connected': 'look into the proxy’s log: can it reach istiod, and is its certificate good?',
  'declared-not-proven':
    'look for something between the API server and the pod: a network policy, another proxy',
  'configured-not-proven': 'look for a hostPort, an excluded port or a second listener',
  'declared-not-observed': 'look at who that is ("padlock plan" names senders)',
  'certificate-not-served':
    'restart the pod, and look into why its proxy shows one certificate and serves another',
} as const satisfies Record<DisagreementKind, string>;

function plaintextObserved(row: Columns): Decision | null {
  const [first] = plaintextSeen(row);
  if (first === undefined) return null;
  return { verdict: 'FAILED', reason: first, next: nextSteps['declared-not-observed'] };
}
