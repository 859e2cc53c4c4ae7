/** What `padlock verify -o json` prints: the rows with their four columns, flattened to words and sentences. */
import type { Configured } from '../../evidence/envoy/inbound.ts';
import type {
  ForeignTlsOutcome,
  MutualTlsOutcome,
  PlaintextOutcome,
  ProbeRecord,
} from '../../evidence/probe/outcome.ts';
import { type PlaintextAge, plaintextAge } from '../../evidence/verify/plaintext-age.ts';
import type { ConfiguredPod, VerifyRow } from '../../evidence/verify/row.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import { formatRef } from '../../istio/kubernetes.ts';

/** The column in a word or two: `STRICT`, `STRICT 2, PERMISSIVE 1`, `not allowed to look`. */
export function configuredWords(pods: readonly ConfiguredPod[]): string {
  if (pods.length === 0) return 'no pod';
  return counted(
    pods.map((pod) => {
      if ('configured' in pod) return pod.configured.mode;
      return pod.notAllowed ? 'not allowed to look' : 'not read';
    }),
  );
}

const plaintextWordsByKind = {
  answered: 'answered',
  reset: 'refused',
  closed: 'closed',
  'nothing-listens': 'nothing listens',
  dropped: 'dropped',
  timeout: 'no answer',
  unreachable: 'unreachable',
  'not-allowed': 'not allowed to probe',
  'not-run': 'not run',
} as const satisfies Record<PlaintextOutcome['kind'], string>;

export function plaintextWords(row: VerifyRow): string {
  if (row.plaintext.length === 0) return 'not tried';
  return counted(row.plaintext.map(({ outcome }) => plaintextWordsByKind[outcome.kind]));
}

const mutualTlsWordsByKind = {
  accepted: 'accepted',
  'wrong-identity': 'wrong identity',
  plaintext: 'sent in plaintext',
  'tls-failed': 'TLS failed',
  unavailable: 'no answer',
  unrecorded: 'not shown',
  'not-allowed': 'not allowed to probe',
  'not-run': 'not run',
} as const satisfies Record<MutualTlsOutcome['kind'], string>;

export function mutualTlsWords(row: VerifyRow): string {
  return row.mutualTls === undefined ? 'not tried' : mutualTlsWordsByKind[row.mutualTls.outcome.kind];
}

const ageWords = {
  'before-policy': ' before the policy',
  'while-draining': ' around the policy',
  'after-policy': ' AFTER the policy',
} as const satisfies Record<PlaintextAge, string>;

/**
 * `mTLS 12`, `PLAINTEXT 3, mTLS 12`, `no traffic`; where the policy refuses plaintext, whether it came before:
 * `PLAINTEXT 3 before the policy`. Refusals are left out: probes of earlier runs are among them.
 */
export function observedWords(row: VerifyRow): string {
  const { observed } = row;
  if (!observed.looked) return observed.right === undefined ? 'not looked' : 'not allowed to look';
  if (observed.verdict === 'quiet') return 'no traffic';
  const mtls = observed.mtls > 0 ? [`mTLS ${observed.mtls}`] : [];
  if (observed.verdict !== 'plaintext') return mtls.join('');
  const aged = plaintextAge(row);
  const age = aged?.policyChangedAt === undefined ? '' : ageWords[aged.age];
  return [`PLAINTEXT ${observed.plaintext}${age}`, ...mtls].join(', ');
}

/** When plaintext that speaks not against the policy was taken, for the lines below a table; undefined where none was. */
export function olderPlaintextSentence(row: VerifyRow): string | undefined {
  const aged = plaintextAge(row);
  if (aged === undefined || aged.age === 'after-policy') return undefined;
  const { age, last, policyChangedAt = '' } = aged;
  const when = last === undefined ? '' : `, last ${last}`;
  return age === 'before-policy'
    ? `plaintext was taken before the policy${when}; the policy was last changed ${policyChangedAt}`
    : `plaintext was taken around the change of the policy (${policyChangedAt})${when}: connections from before it are served until they are drained`;
}

/** Both probes in a cell: `refused/accepted`. */
export function provenWords(row: VerifyRow): string {
  return `${plaintextWords(row)}/${mutualTlsWords(row)}`;
}

const shortKinds: Readonly<Record<string, string>> = {
  Deployment: 'deploy',
  StatefulSet: 'sts',
  DaemonSet: 'ds',
  ReplicaSet: 'rs',
  CronJob: 'cronjob',
  Job: 'job',
  Pod: 'pod',
};

/** As people type it to kubectl: `deploy/httpbin`. */
export function shortWorkload(workload: string): string {
  const [kind = '', name = ''] = workload.split('/');
  return `${shortKinds[kind] ?? kind.toLowerCase()}/${name}`;
}

/** The workload's name alone, where no other kind of workload shares it. */
export function workloadNames(rows: readonly VerifyRow[]): (row: VerifyRow) => string {
  const kinds = new Map<string, Set<string>>();
  for (const { namespace, workload } of rows) {
    const key = `${namespace}/${workload.split('/')[1]}`;
    kinds.set(key, (kinds.get(key) ?? new Set()).add(workload));
  }
  return ({ namespace, workload }) => {
    const name = workload.split('/')[1] ?? workload;
    return kinds.get(`${namespace}/${name}`)?.size === 1 ? name : shortWorkload(workload);
  };
}

/** Equal words once; different ones with how many pods each. */
function counted(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  if (counts.size === 1) return words[0] ?? '';
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ');
}

export function declaredWords(row: VerifyRow): string {
  return row.declared.captured ? row.declared.mode : 'no sidecar';
}

/** The machine-readable form; stable, documented in docs/commands/verify.md. */
export function verificationJson(verification: Verification): object {
  return { ...verification, rows: verification.rows.map(rowJson) };
}

function rowJson(row: VerifyRow): object {
  const { declared, judgement } = row;
  return {
    namespace: row.namespace,
    workload: row.workload,
    port: row.port,
    verdict: judgement.verdict,
    reason: judgement.reason,
    ...(judgement.next === undefined ? {} : { next: judgement.next }),
    disagreements: judgement.disagreements,
    declared: {
      mode: declared.mode,
      guarded: declared.captured,
      mtls: declared.mtls,
      plaintext: declared.plaintext,
      ...(declared.policy === undefined ? {} : { policy: formatRef(declared.policy) }),
      because: declared.because.map(({ text }) => text),
    },
    configured: row.configured.map((pod) =>
      'configured' in pod ? { pod: pod.pod, ...configuredJson(pod.configured) } : pod,
    ),
    observed: { ...row.observed, ...agedJson(row) },
    sync: row.sync,
    circumstances: row.circumstances,
    proven: {
      plaintext: row.plaintext.map(probeJson),
      foreignTls: row.foreignTls.map(probeJson),
      mutualTls:
        row.mutualTls === undefined
          ? { result: 'not-tried', detail: row.mutualTlsMissing ?? '' }
          : probeJson(row.mutualTls),
    },
    certificates: row.certificates,
  };
}

function agedJson(row: VerifyRow): { readonly plaintextCame?: PlaintextAge } {
  const aged = plaintextAge(row);
  return aged === undefined ? {} : { plaintextCame: aged.age };
}

function probeJson(record: ProbeRecord<ForeignTlsOutcome | MutualTlsOutcome | PlaintextOutcome>): object {
  const { outcome, ...where } = record;
  const { kind, ...what } = outcome;
  return { ...where, result: kind, ...what };
}

function configuredJson(configured: Configured): object {
  const { chains, ...rest } = configured;
  return {
    ...rest,
    chains: chains.map(({ caller, chain, socket, blackhole }) => ({
      caller,
      chain: chain ?? 'none: the connection is closed',
      socket: socket?.kind ?? 'none',
      ...(blackhole ? { blackhole } : {}),
    })),
  };
}
