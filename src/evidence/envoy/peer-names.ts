/** What a peer's certificate must carry, as Envoy's validation context says it. */
import { asObjects, asText, asTexts, type JsonObject } from '../../sources/json-value.ts';
import { field } from './proto-json.ts';

interface NameMatcher {
  /** `URI`, `DNS`, `EMAIL`, `IP_ADDRESS`, `OTHER_NAME`; undefined: a name of any kind. */
  readonly kind: string | undefined;
  readonly matcher: unknown;
}

/** `match_subject_alt_names`, since Envoy 1.22 `match_typed_subject_alt_names`, before 1.14 `verify_subject_alt_name`. */
function matchersOf(context: JsonObject): readonly NameMatcher[] {
  return [
    ...asObjects(field(context, 'match_typed_subject_alt_names')).map((entry) => ({
      kind: sanType(field(entry, 'san_type')),
      matcher: field(entry, 'matcher'),
    })),
    ...asObjects(field(context, 'match_subject_alt_names')).map((matcher) => ({ kind: undefined, matcher })),
    ...asTexts(field(context, 'verify_subject_alt_name')).map((exact) => ({
      kind: undefined,
      matcher: { exact },
    })),
  ];
}

/** envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher.SanType, as names or as numbers. */
const sanTypes: readonly string[] = [
  'SAN_TYPE_UNSPECIFIED',
  'EMAIL',
  'DNS',
  'URI',
  'IP_ADDRESS',
  'OTHER_NAME',
];

function sanType(value: unknown): string {
  return typeof value === 'number' ? (sanTypes[value] ?? String(value)) : (asText(value) ?? '');
}

/** The names in words: `spiffe://cluster.local/*`; names of another kind than a URI say so. */
export function expectedNames(context: JsonObject): readonly string[] {
  return matchersOf(context).map(({ kind, matcher }) => {
    const text = matcherText(matcher);
    return kind === undefined || kind === 'URI' ? text : `${kind} ${text}`;
  });
}

function matcherText(matcher: unknown): string {
  const exact = asText(field(matcher, 'exact'));
  if (exact !== undefined) return exact;
  const prefix = asText(field(matcher, 'prefix'));
  if (prefix !== undefined) return `${prefix}*`;
  const suffix = asText(field(matcher, 'suffix'));
  return suffix === undefined ? JSON.stringify(matcher) : `*${suffix}`;
}

/** Whether some SPIFFE id can fit, so that a workload of a mesh may get in. One matcher that fits is enough. */
export function admitsSpiffe(contexts: readonly JsonObject[]): boolean {
  const matchers = contexts.flatMap(matchersOf);
  return matchers.length === 0 || matchers.some(canBeSpiffe);
}

function canBeSpiffe({ kind, matcher }: NameMatcher): boolean {
  if (kind !== undefined && kind !== 'URI') return false;
  const scheme = 'spiffe://';
  const exact = asText(field(matcher, 'exact'))?.toLowerCase();
  if (exact !== undefined) return exact.startsWith(scheme);
  const prefix = asText(field(matcher, 'prefix'))?.toLowerCase();
  return prefix === undefined || prefix.startsWith(scheme) || scheme.startsWith(prefix);
}
