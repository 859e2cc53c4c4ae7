/** Field selectors: `?fieldSelector=metadata.name=a,status.phase!=Running`. */
import { badRequest } from '../status.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly equals: boolean;
  readonly value: string;
}

/**
 * Reads a field selector; `\` escapes a comma, an equals sign or itself.
 * @throws ApiStatus BadRequest where a term has no operator.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  if (text.trim() === '') return [];
  return text.split(/(?<!\\),/).map((term) => {
    const match = /^([^=!]+)(==|!=|=)(.*)$/s.exec(term);
    if (match === null) {
      throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const [, field = '', operator, raw = ''] = match;
    return { field: field.trim(), equals: operator !== '!=', value: raw.replaceAll(/\\([\\,=])/g, '$1') };
  });
}
