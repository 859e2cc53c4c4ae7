/** Label selectors, in both forms: the objects in specs (`matchLabels`, `matchExpressions`) and the strings of `?labelSelector=`. */
import { type JsonObject, objectsAt, stringAt, stringMapAt, stringsAt } from '../json.ts';
import { badRequest } from '../status.ts';

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** True where the labels meet a selector object. An empty one matches everything. */
export function matchesLabelSelector(selector: JsonObject, labels: Labels): boolean {
  for (const [key, value] of Object.entries(stringMapAt(selector, 'matchLabels'))) {
    if (labels[key] !== value) return false;
  }
  return objectsAt(selector, 'matchExpressions').every((expression) => {
    const operator = stringAt(expression, 'operator');
    if (!isOperator(operator)) return false;
    return meets(
      { key: stringAt(expression, 'key') ?? '', operator, values: stringsAt(expression, 'values') },
      labels,
    );
  });
}

function isOperator(value: string | undefined): value is LabelOperator {
  return value === 'In' || value === 'NotIn' || value === 'Exists' || value === 'DoesNotExist';
}

function meets(requirement: LabelRequirement, labels: Labels): boolean {
  const value = labels[requirement.key];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(requirement.values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(requirement.values[0]);
  }
}

/** True where the labels meet every requirement. */
export function matchesRequirements(requirements: readonly LabelRequirement[], labels: Labels): boolean {
  return requirements.every((requirement) => meets(requirement, labels));
}

const setPattern = /^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)\s*$/;
const comparePattern = /^\s*([^\s!=<>,()]+)\s*(==|=|!=|>|<)\s*([^\s=!<>,()]*)\s*$/;
const existsPattern = /^\s*(!?)\s*([^\s!=,()]+)\s*$/;

/**
 * Reads `a=b,c!=d,e in (f,g),!h`.
 * @throws ApiStatus BadRequest, in the words of the real server, where it cannot be read.
 */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  if (text.trim() === '') return [];
  return splitOutsideParentheses(text).map((part) => parseRequirement(part, text));
}

function parseRequirement(part: string, whole: string): LabelRequirement {
  const set = setPattern.exec(part);
  if (set !== null) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const exists = existsPattern.exec(part);
  if (exists !== null) {
    return { key: exists[2] ?? '', operator: exists[1] === '!' ? 'DoesNotExist' : 'Exists', values: [] };
  }
  const compare = comparePattern.exec(part);
  if (compare !== null) {
    const operators: Readonly<Record<string, LabelOperator>> = { '!=': 'NotIn', '>': 'Gt', '<': 'Lt' };
    return {
      key: compare[1] ?? '',
      operator: operators[compare[2] ?? ''] ?? 'In',
      values: [compare[3] ?? ''],
    };
  }
  throw badRequest(
    `unable to parse requirement: found '${part.trim()}', expected: ${whole === part ? 'identifier' : "',' or 'end of string'"}`,
  );
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
