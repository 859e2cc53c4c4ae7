/** Label selectors, in both forms: the objects in specs (`matchLabels`, `matchExpressions`) and the strings of `?labelSelector=`. */
import { type JsonObject, objectsAt, stringAt, stringMapAt, stringsAt } from '../json.ts';
import { badRequest } from '../status.ts';
import { isLabelValue, isQualifiedName } from '../validation/names.ts';

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

interface Token {
  readonly kind: 'word' | 'operator' | 'end';
  readonly text: string;
}

const tokenPattern = /\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)/gy;

function tokens(text: string): readonly Token[] {
  const found = [...text.matchAll(tokenPattern)].map((match): Token => {
    const word = match[1] ?? '';
    return { kind: /^[=!<>(),]/.test(word) ? 'operator' : 'word', text: word };
  });
  return [...found, { kind: 'end', text: '' }];
}

/**
 * Reads `a=b,c!=d,e in (f,g),!h`.
 * @throws ApiStatus BadRequest, in the words of the real server, where it cannot be read.
 */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  return text.trim() === '' ? [] : new SelectorParser(tokens(text)).requirements();
}

function refuseValue(value: string, why: string): never {
  throw badRequest(`unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(value)}: ${why}`);
}

class SelectorParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  requirements(): readonly LabelRequirement[] {
    const found = [this.#requirement()];
    while (this.#peek().text === ',') {
      this.#at += 1;
      found.push(this.#requirement());
    }
    if (this.#peek().kind !== 'end') this.#refuse("',' or 'end of string'");
    return found;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #refuse(expected: string): never {
    throw badRequest(`unable to parse requirement: found '${this.#peek().text}', expected: ${expected}`);
  }

  #word(): string {
    const { kind, text } = this.#peek();
    if (kind !== 'word') this.#refuse('identifier');
    this.#at += 1;
    return text;
  }

  #requirement(): LabelRequirement {
    const found = this.#read();
    for (const why of isQualifiedName(found.key)) refuseValue(found.key, why);
    if (found.operator === 'In' || found.operator === 'NotIn') {
      for (const value of found.values) for (const why of isLabelValue(value)) refuseValue(value, why);
    }
    return found;
  }

  #read(): LabelRequirement {
    if (this.#peek().text === '!') {
      this.#at += 1;
      return { key: this.#word(), operator: 'DoesNotExist', values: [] };
    }
    const key = this.#word();
    const { kind, text } = this.#peek();
    if (kind === 'end' || text === ',') return { key, operator: 'Exists', values: [] };
    this.#at += 1;
    switch (text) {
      case '=':
      case '==':
        return { key, operator: 'In', values: [this.#value()] };
      case '!=':
        return { key, operator: 'NotIn', values: [this.#value()] };
      case '>':
        return { key, operator: 'Gt', values: [this.#word()] };
      case '<':
        return { key, operator: 'Lt', values: [this.#word()] };
      case 'in':
        return { key, operator: 'In', values: this.#values() };
      case 'notin':
        return { key, operator: 'NotIn', values: this.#values() };
      default:
        this.#at -= 1;
        return this.#refuse('in, notin, =, ==, !=, gt, lt');
    }
  }

  /** A value may be empty: `a=` and `a=,b=c`. */
  #value(): string {
    const { kind, text } = this.#peek();
    return kind === 'end' || text === ',' ? '' : this.#word();
  }

  #values(): readonly string[] {
    if (this.#peek().text !== '(') {
      throw badRequest(`unable to parse requirement: found '${this.#peek().text}' expected: '('`);
    }
    this.#at += 1;
    const values: string[] = [];
    while (this.#peek().text !== ')') {
      values.push(this.#peek().text === ',' ? '' : this.#word());
      if (this.#peek().text === ',') this.#at += 1;
      else if (this.#peek().text !== ')') this.#refuse("',' or ')'");
    }
    this.#at += 1;
    return values;
  }
}
