/** Columns that contradict each other: each a finding of its own, with what may explain it. */

import type { Configured } from '../envoy/inbound.ts';
import { ageOf } from './plaintext-age.ts';
import type { Disagreement, DisagreementKind, VerifyRow } from './row.ts';

type Columns = Omit<VerifyRow, 'judgement'>;

/** Contradictions between columns, worth a finding each even where the verdict rests on something else. */
export function findDisagreements(row: Columns): readonly Disagreement[] {
  const found: Disagreement[] = [];
  const add = (kind: DisagreementKind, message: string): void => {
    found.push({ kind, message });
  };
  declaredAgainstConfigured(row, add);
  syncOf(row, add);
  probesAgainstOthers(row, add);
  observedAgainstDeclared(row, add);
  for (const { outcome, pod } of row.foreignTls) {
    if (outcome.kind === 'refused' && outcome.otherCertificate !== undefined) {
      add(
        'certificate-not-served',
        `the proxy of ${pod} serves another certificate than its configuration shows: ${outcome.otherCertificate}`,
      );
    }
  }
  return found;
}

type Add = (kind: DisagreementKind, message: string) => void;

/** A configured column that can be held against the declared one. */
export function loadedChains(row: Columns, pod: string): Configured | undefined {
  const found = row.configured.find((one) => one.pod === pod);
  return found !== undefined && 'configured' in found ? found.configured : undefined;
}

function declaredAgainstConfigured(row: Columns, add: Add): void {
  const { declared, circumstances } = row;
  for (const pod of row.configured) {
    if (!('configured' in pod) || !declared.captured || pod.configured.mode === 'UNKNOWN') continue;
    const { mode, acceptsPlaintext, acceptsMtls } = pod.configured;
    if (acceptsPlaintext === declared.plaintext && acceptsMtls === declared.mtls) continue;
    const extra = acceptsPlaintext && !declared.plaintext ? ', with a filter chain that takes plaintext' : '';
    add(
      'declared-not-configured',
      `declared ${declared.mode}, but the proxy of ${pod.pod} has loaded ${mode}${extra}`,
    );
    for (const filter of circumstances.envoyFilters) {
      add('envoy-filter', `${filter} changes the inbound listener of ${pod.pod}: it may be why`);
    }
    const older = circumstances.olderPods.find((one) => one.pod === pod.pod);
    if (older !== undefined && circumstances.policyChangedAt !== undefined) {
      add(
        'pod-older-than-policy',
        `${pod.pod} started ${older.startedAt}, before the policy was last changed (${circumstances.policyChangedAt}): its proxy has not taken the change`,
      );
    }
  }
}

function syncOf(row: Columns, add: Add): void {
  for (const { pod, connected, stale, error } of row.sync) {
    if (!connected) {
      add(
        'proxy-not-connected',
        `no istiod holds a connection of the proxy of ${pod}: it hears of no change`,
      );
    }
    if (error !== undefined)
      add('proxy-refused-update', `the proxy of ${pod} refused what istiod sent: ${error}`);
    else if (stale.length > 0) {
      add(
        'proxy-stale',
        `istiod sent ${stale.join(', ')} configuration that the proxy of ${pod} has not acknowledged`,
      );
    }
  }
}

function probesAgainstOthers(row: Columns, add: Add): void {
  const { declared } = row;
  for (const { pod, outcome } of row.plaintext) {
    if (outcome.kind === 'answered') {
      if (!declared.plaintext)
        add('declared-not-proven', `declared ${declared.mode}, but ${pod} answered plaintext`);
      // What goes past the proxy does not contradict it.
      if (declared.captured && loadedChains(row, pod)?.acceptsPlaintext === false) {
        add(
          'configured-not-proven',
          `the proxy of ${pod} says that it has no chain that takes plaintext, but plaintext was answered`,
        );
      }
    }
    if (isRefusal(outcome.kind) && declared.plaintext) {
      add('declared-not-proven', `declared ${declared.mode}, but ${pod} refused plaintext`);
    }
  }
}

export function isRefusal(kind: string): boolean {
  return kind === 'reset' || kind === 'closed';
}

function observedAgainstDeclared(row: Columns, add: Add): void {
  for (const sentence of plaintextSeen(row)) add('declared-not-observed', sentence);
}

/** Plaintext that came after the policy that refuses it was in force. */
export function plaintextSeen(row: Columns): readonly string[] {
  const { declared, observed, circumstances } = row;
  if (declared.plaintext || !observed.looked) return [];
  const { policyChangedAt } = circumstances;
  return observed.senders
    .filter((sender) => ageOf(sender, policyChangedAt) === 'after-policy')
    .map(({ name, namespace, count, lastSeen }) => {
      const who = namespace === undefined ? name : `${name} of ${namespace}`;
      const when = lastSeen === undefined ? '' : `, last ${lastSeen}`;
      const since = policyChangedAt === undefined ? '' : `; the policy stands since ${policyChangedAt}`;
      return `declared ${declared.mode}, but plaintext from ${who} was taken (${count}${when}${since})`;
    });
}
