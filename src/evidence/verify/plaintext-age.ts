/**
 * Whether plaintext that was observed where the policy refuses it speaks against the policy: a look back reaches to before it.
 */
import { drainMs } from '../probe/plaintext.ts';
import type { PlaintextSender } from './observed-column.ts';
import type { VerifyRow } from './row.ts';

type Columns = Omit<VerifyRow, 'judgement'>;

/**
 * `before-policy`: all of it came before the deciding policy was last changed. `while-draining`: some came within the time in
 * which connections from before may still be served. `after-policy`: some came later, or when the policy changed is not known.
 */
export type PlaintextAge = 'before-policy' | 'while-draining' | 'after-policy';

export interface AgedPlaintext {
  readonly age: PlaintextAge;
  /** RFC 3339: when plaintext was last taken; absent where only a source without times saw it. */
  readonly last?: string;
  /** RFC 3339: when the deciding policy was last changed, where that is known. */
  readonly policyChangedAt?: string;
}

/** Of one sender. */
export function ageOf(sender: PlaintextSender, policyChangedAt: string | undefined): PlaintextAge {
  const changed = Date.parse(policyChangedAt ?? '');
  // Counters have no times: all of their window must lie after the change to speak against it, and none of it can be before.
  const seen = Date.parse(sender.lastSeen ?? sender.after);
  if (Number.isNaN(changed) || seen > changed + drainMs) return 'after-policy';
  return sender.lastSeen !== undefined && seen < changed ? 'before-policy' : 'while-draining';
}

const worstFirst = ['after-policy', 'while-draining', 'before-policy'] as const;

/** Undefined where no plaintext was taken, or the policy takes it. */
export function plaintextAge({ declared, observed, circumstances }: Columns): AgedPlaintext | undefined {
  if (declared.plaintext || !observed.looked || observed.verdict !== 'plaintext') return undefined;
  const { policyChangedAt } = circumstances;
  const ages = observed.senders.map((sender) => ageOf(sender, policyChangedAt));
  const last = observed.senders
    .map(({ lastSeen }) => lastSeen)
    .filter((time) => time !== undefined)
    .toSorted((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
  return {
    age: worstFirst.find((age) => ages.includes(age)) ?? 'after-policy',
    ...(last === undefined ? {} : { last }),
    ...(policyChangedAt === undefined ? {} : { policyChangedAt }),
  };
}
