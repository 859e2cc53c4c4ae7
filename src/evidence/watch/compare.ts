/** From two states of facts to the events between them. Pure: the same states give the same events with the same ids. */
import { type EventName, type Fact, type KeepEvent, kindOf, severities, subjectOf } from './fact.ts';

/** Keys to values; what is saved. */
export type Known = ReadonlyMap<string, string>;

/** One difference, before those of one cause are told together. */
interface Difference {
  readonly event: EventName;
  readonly namespace: string;
  readonly subject: string;
  readonly detail: string;
  readonly resource?: string;
  /** What makes it differ from an earlier event about the same subject. */
  readonly mark: string;
}

export interface Comparison {
  /** Nothing is known yet: what stands is the starting point, only what is wrong in itself is told. */
  readonly first: boolean;
  /** The connection was lost or Padlock was not running: changes may have come and gone unseen. */
  readonly afterGap: boolean;
  /** Counts the states that were saved: the same change at another time is another event. */
  readonly round: number;
}

/** @param time RFC 3339 */
export function compareFacts(
  before: Known,
  after: readonly Fact[],
  { first, afterGap, round }: Comparison,
  time: string,
): readonly KeepEvent[] {
  const now = new Map(after.map((fact) => [fact.key, fact]));
  const differences: Difference[] = [];
  for (const fact of after) {
    const was = before.get(fact.key);
    if (was === fact.value) continue;
    const found = appeared(fact, was, first);
    if (found !== undefined) differences.push({ ...found, mark: `${was ?? ''}>${fact.value}` });
  }
  for (const [key, was] of before) {
    if (now.has(key)) continue;
    const found = vanished(key, now);
    if (found !== undefined) differences.push({ ...found, mark: `${was}>` });
  }
  if (afterGap && !first) differences.push(...touched(before, after, differences));
  return grouped(differences, time, round);
}

type Found = Omit<Difference, 'mark'>;

function appeared(fact: Fact, was: string | undefined, first: boolean): Found | undefined {
  const { key, value, namespace, detail, resource } = fact;
  const found: MakeFound = (event, text) => ({
    event,
    namespace,
    subject: subjectOf(key),
    detail: text,
    ...(resource === undefined ? {} : { resource }),
  });
  switch (kindOf(key)) {
    case 'mode':
      return modeChange(was, value, first, found);
    case 'member':
      return memberChange(was, fact, first, found);
    case 'edge':
      return first ? undefined : found('edge-weakened', detail);
    case 'exception':
      return found('exception-over', detail);
    case 'certificate':
      return found('certificate', detail);
    case 'stale':
      return found('proxy-stale', detail);
    case 'unseen':
      return found('unseen', detail);
    case 'plaintext':
      return was === undefined ? found('plaintext', detail) : undefined;
    case 'refused':
      return was === undefined ? found('refused', detail) : undefined;
    case 'tls-failed':
      return was === undefined ? found('tls-failed', detail) : undefined;
    default:
      return undefined;
  }
}

type MakeFound = (event: EventName, text: string) => Found;

function memberChange(
  was: string | undefined,
  { value, detail }: Fact,
  first: boolean,
  found: MakeFound,
): Found | undefined {
  const wasOut = was === 'none' || was === 'outside';
  switch (value) {
    case 'outside':
      return was === undefined || was === 'none' ? undefined : found('left-mesh', detail);
    case 'none':
      if (was !== undefined) return found('left-mesh', detail);
      return first ? undefined : found('left-mesh', detail === '' ? 'it is new' : detail);
    default:
      return wasOut ? found('joined-mesh', value) : undefined;
  }
}

function modeChange(
  was: string | undefined,
  value: string,
  first: boolean,
  found: MakeFound,
): Found | undefined {
  const [mode = '', accepts = ''] = value.split(' ');
  if (was === undefined) {
    return first || !accepts.includes('p') ? undefined : found('mode-weakened', `new, and ${mode}`);
  }
  const [oldMode = '', accepted = ''] = was.split(' ');
  if (accepts === accepted) return undefined;
  const text = `${oldMode} -> ${mode}`;
  const weaker =
    accepts.includes('p') !== accepted.includes('p') ? accepts.includes('p') : !accepts.includes('m');
  return found(weaker ? 'mode-weakened' : 'mode-strengthened', text);
}

function vanished(key: string, now: ReadonlyMap<string, Fact>): Found | undefined {
  const subject = subjectOf(key);
  const [namespace = ''] = subject.split('/');
  const found = (event: EventName, detail: string): Found => ({ event, namespace, subject, detail });
  switch (kindOf(key)) {
    case 'edge':
      return found('edge-mended', 'mutual TLS, or the way is gone');
    case 'certificate':
      return now.has(`pod ${subject.split(' ')[0]}`) ? found('certificate-mended', 'renewed') : undefined;
    case 'stale':
      return now.has(`pod ${subject}`) ? found('proxy-current', 'it has loaded what is declared') : undefined;
    case 'unseen':
      // A pod that is gone is not seen again.
      return !subject.includes('/') || now.has(`pod ${subject}`) ? found('seen-again', '') : undefined;
    default:
      return undefined;
  }
}

/** Policies whose generation went on while nobody looked, and that left everything as it was. */
function touched(before: Known, after: readonly Fact[], told: readonly Difference[]): readonly Difference[] {
  const explained = new Set(told.map(({ resource }) => resource));
  return after.flatMap((fact): readonly Difference[] => {
    const was = before.get(fact.key);
    if (kindOf(fact.key) !== 'policy' || was === undefined || was === fact.value) return [];
    if (explained.has(fact.resource)) return [];
    const [from = '', uid] = was.split(' ');
    const [to = '', newUid] = fact.value.split(' ');
    const detail =
      uid === newUid
        ? `it changed ${Number(to) - Number(from)} times while nobody watched; what ports accept is as it was`
        : 'it was made anew while nobody watched; what ports accept is as it was';
    const { namespace, resource } = fact;
    return [
      {
        event: 'policy-changed',
        namespace,
        subject: subjectOf(fact.key),
        detail,
        ...(resource === undefined ? {} : { resource }),
        mark: `${was}>${fact.value}`,
      },
    ];
  });
}

/** A namespace's policy changes all its ports at once: one event, which names them. */
function grouped(differences: readonly Difference[], time: string, round: number): readonly KeepEvent[] {
  const groups = Map.groupBy(differences, ({ event, namespace, detail, resource }) =>
    [event, namespace, detail, resource ?? ''].join('\n'),
  );
  return [...groups.values()].flatMap((group) => {
    const [one] = group;
    if (one === undefined) return [];
    const { event, namespace, detail, resource } = one;
    const subjects = group.map(({ subject }) => subject).toSorted();
    const marks = group.map(({ subject, mark }) => `${subject} ${mark}`).toSorted();
    return [
      {
        id: hash([String(round), event, ...marks].join('\n')),
        time,
        event,
        severity: severities[event],
        namespace,
        subjects,
        detail,
        ...(resource === undefined ? {} : { resource }),
      },
    ];
  });
}

/** FNV-1a, 64 bits: an identity for events, not a protection. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index += 1) {
    value ^= BigInt(text.charCodeAt(index));
    value = BigInt.asUintN(64, value * 0x100000001b3n);
  }
  return value.toString(16).padStart(16, '0');
}
