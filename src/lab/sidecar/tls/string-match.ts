import type { StringMatcher } from '../config/tls.ts';

/** Envoy's StringMatcher (envoy.type.matcher.v3): exactly one of its ways of matching is set. */
export function matchesString(matcher: StringMatcher, text: string): boolean {
  const fold = (value: string): string => (matcher.ignore_case === true ? value.toLowerCase() : value);
  const value = fold(text);
  if (matcher.exact !== undefined) return value === fold(matcher.exact);
  if (matcher.prefix !== undefined) return value.startsWith(fold(matcher.prefix));
  if (matcher.suffix !== undefined) return value.endsWith(fold(matcher.suffix));
  if (matcher.contains !== undefined) return value.includes(fold(matcher.contains));
  if (matcher.safe_regex !== undefined) return wholeMatch(matcher.safe_regex.regex).test(text);
  return false;
}

const compiled = new Map<string, RegExp>();
const maxCompiled = 1000;

/** Envoy's safe_regex must match the whole text. */
function wholeMatch(regex: string): RegExp {
  let expression = compiled.get(regex);
  if (expression === undefined) {
    if (compiled.size >= maxCompiled) compiled.clear();
    expression = new RegExp(`^(?:${regex})$`, 's');
    compiled.set(regex, expression);
  }
  return expression;
}
