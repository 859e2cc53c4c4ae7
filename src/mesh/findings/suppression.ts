/**
 * Findings that somebody has decided to live with: by `--ignore` on the command line, or by annotations on the resource
 * itself, which need a reason and may carry an end. A suppression hides a finding from the verdict, never from the count.
 */
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import type { Snapshot, SnapshotObject } from '../snapshot.ts';
import { type FindingCode, isFindingCode } from './codes.ts';
import type { Finding } from './finding.ts';

/** One `--ignore`: a code, everywhere or for one resource. */
export interface IgnoreRule {
  readonly code: FindingCode;
  readonly resource?: ObjectRef;
}

/** Why a finding does not count. */
export type Suppression =
  | { readonly by: 'flag'; readonly rule: string }
  | { readonly by: 'annotation'; readonly reason: string; readonly until?: string };

export interface SuppressedFinding {
  readonly finding: Finding;
  readonly suppression: Suppression;
}

export interface Sifted {
  readonly findings: readonly Finding[];
  readonly suppressed: readonly SuppressedFinding[];
}

export const ignoreAnnotation = 'padlock.dev/ignore';
export const reasonAnnotation = 'padlock.dev/ignore-reason';
export const untilAnnotation = 'padlock.dev/ignore-until';

/**
 * Reads one `--ignore` value: `PL005`, or `PL005:PeerAuthentication/shop/default` (`KIND/NAME` for cluster-scoped resources).
 * @returns undefined when it is neither, for the command line to refuse
 */
export function parseIgnoreRule(text: string): IgnoreRule | undefined {
  const [code = '', resource, ...more] = text.split(':');
  if (!isFindingCode(code) || more.length > 0) return undefined;
  if (resource === undefined) return { code };
  const [kind, second, third, ...rest] = resource.split('/');
  if (!kind || !second || rest.length > 0 || third === '') return undefined;
  return {
    code,
    resource: third === undefined ? { kind, name: second } : { kind, namespace: second, name: third },
  };
}

/** Prints a rule as it is typed. */
export function formatIgnoreRule(rule: IgnoreRule): string {
  if (rule.resource === undefined) return rule.code;
  const { kind, namespace, name } = rule.resource;
  return `${rule.code}:${[kind, namespace, name].filter((part) => part !== undefined).join('/')}`;
}

/** A suppression as it stands in a resource's annotations. */
interface Annotated {
  readonly ref: ObjectRef;
  readonly object: SnapshotObject;
  readonly codes: ReadonlySet<FindingCode>;
  readonly reason: string;
  readonly until?: string;
}

/**
 * Parts findings from suppressed ones. `today` is a date, `2027-01-31`: a suppression holds through its last day.
 * Suppressions that are expired, have no reason or name no code suppress nothing and become PL040 findings.
 */
export function suppress(
  snapshot: Snapshot,
  findings: readonly Finding[],
  rules: readonly IgnoreRule[],
  today: string,
): Sifted {
  const { valid, faults } = readAnnotations(snapshot, today);
  const kept: Finding[] = [];
  const suppressed: SuppressedFinding[] = [];
  for (const finding of [...findings, ...faults]) {
    const suppression = bySomeRule(finding, rules) ?? byAnnotation(finding, valid);
    if (suppression === undefined) kept.push(finding);
    else suppressed.push({ finding, suppression });
  }
  return { findings: kept, suppressed };
}

function bySomeRule(finding: Finding, rules: readonly IgnoreRule[]): Suppression | undefined {
  const rule = rules.find(
    ({ code, resource }) =>
      code === finding.code &&
      (resource === undefined || formatRef(resource) === formatRef(finding.resource)),
  );
  return rule === undefined ? undefined : { by: 'flag', rule: formatIgnoreRule(rule) };
}

function byAnnotation(finding: Finding, valid: ReadonlyMap<string, Annotated>): Suppression | undefined {
  // A suppression that is at fault itself must not hide that.
  if (finding.code === 'PL040') return undefined;
  const annotated = valid.get(formatRef(finding.resource));
  if (annotated === undefined || !annotated.codes.has(finding.code)) return undefined;
  const { reason, until } = annotated;
  return { by: 'annotation', reason, ...(until === undefined ? {} : { until }) };
}

function readAnnotations(
  snapshot: Snapshot,
  today: string,
): { readonly valid: ReadonlyMap<string, Annotated>; readonly faults: readonly Finding[] } {
  const valid = new Map<string, Annotated>();
  const faults: Finding[] = [];
  for (const item of snapshot.objects) {
    const annotations: unknown = item.object.metadata?.annotations;
    if (typeof annotations !== 'object' || annotations === null) continue;
    const value = (name: string): string | undefined => {
      const text: unknown = Reflect.get(annotations, name);
      return text === undefined || text === null ? undefined : String(text);
    };
    const ignore = value(ignoreAnnotation);
    if (ignore === undefined) {
      const stray = [reasonAnnotation, untilAnnotation].find((name) => value(name) !== undefined);
      if (stray !== undefined)
        faults.push(fault(item, stray, `${stray} stands alone, without ${ignoreAnnotation}`));
      continue;
    }
    const { annotated, problems } = readOne(
      item,
      ignore,
      value(reasonAnnotation),
      value(untilAnnotation),
      today,
    );
    faults.push(...problems);
    if (annotated !== undefined) valid.set(formatRef(annotated.ref), annotated);
  }
  return { valid, faults };
}

function readOne(
  item: SnapshotObject,
  ignore: string,
  reason: string | undefined,
  until: string | undefined,
  today: string,
): { readonly annotated?: Annotated; readonly problems: readonly Finding[] } {
  const problems: Finding[] = [];
  const words = ignore.split(/[\s,]+/).filter((word) => word !== '');
  const codes = new Set(words.filter(isFindingCode));
  const unknown = words.filter((word) => !isFindingCode(word));
  if (words.length === 0) problems.push(fault(item, ignoreAnnotation, `${ignoreAnnotation} names no code`));
  for (const word of unknown) {
    problems.push(fault(item, ignoreAnnotation, `"${word}" in ${ignoreAnnotation} is no code of a finding`));
  }
  if (reason === undefined || reason.trim() === '') {
    problems.push(fault(item, ignoreAnnotation, `${ignore} is to be ignored without ${reasonAnnotation}`));
    return { problems };
  }
  if (until !== undefined && !isDate(until)) {
    problems.push(
      fault(item, untilAnnotation, `${untilAnnotation} is "${until}", not a date like 2027-01-31`),
    );
    return { problems };
  }
  if (until !== undefined && until < today) {
    problems.push(fault(item, untilAnnotation, `The suppression of ${ignore} ended on ${until}`));
    return { problems };
  }
  if (codes.size === 0) return { problems };
  const annotated = {
    ref: refOf(item),
    object: item,
    codes,
    reason: reason.trim(),
    ...(until === undefined ? {} : { until }),
  };
  return { annotated, problems };
}

/** A day of the calendar, not only digits in the right places. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function refOf({ object }: SnapshotObject): ObjectRef {
  const { name, namespace } = object.metadata;
  if (namespace === undefined && clusterScoped.has(object.kind)) return { kind: object.kind, name };
  return { kind: object.kind, namespace: namespace ?? 'default', name };
}

const clusterScoped: ReadonlySet<string> = new Set(['Namespace', 'Node', 'CustomResourceDefinition']);

function fault(item: SnapshotObject, annotation: string, message: string): Finding {
  return {
    code: 'PL040',
    severity: 'warning',
    message: `${message}.`,
    resource: refOf(item),
    origin: item.origin,
    field: `metadata.annotations.${annotation}`,
    why: 'An exception that nobody explained, or that has run out, must be decided again by a person.',
    fix: {
      text: `Give a reason in ${reasonAnnotation} and, better, an end in ${untilAnnotation}; or remove the annotations.`,
      changes: [],
    },
    related: [],
    affected: [],
  };
}
