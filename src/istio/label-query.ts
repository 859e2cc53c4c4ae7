/** Label selectors as people type them: `app=cart,tier!=web,env in (prod, test),!canary` (kubectl's `-l`). */
import type { StringMap } from './fields.ts';

export type LabelQuery = (labels: StringMap) => boolean;

const key = String.raw`([A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)`;
const value = String.raw`([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?|)`;
const equality = new RegExp(`^${key}\\s*(==|=|!=)\\s*${value}$`);
const membership = new RegExp(`^${key}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const presence = new RegExp(`^(!?)\\s*${key}$`);
const oneValue = new RegExp(`^${value}$`);

/** @returns undefined where the text is no selector. `!=` and `notin` also take labels that are absent, as Kubernetes does. */
export function parseLabelQuery(text: string): LabelQuery | undefined {
  const terms = text.split(/,(?![^(]*\))/).map((term) => parseTerm(term.trim()));
  if (!terms.every((term) => term !== undefined)) return undefined;
  return (labels) => terms.every((term) => term(labels));
}

function parseTerm(text: string): LabelQuery | undefined {
  const [, name = '', sign, wanted] = equality.exec(text) ?? [];
  if (sign !== undefined) {
    return sign === '!=' ? (labels) => labels[name] !== wanted : (labels) => labels[name] === wanted;
  }
  const [, member = '', word, list = ''] = membership.exec(text) ?? [];
  if (word !== undefined) {
    const values = list.split(',').map((one) => one.trim());
    if (!values.every((one) => oneValue.test(one))) return undefined;
    const isOne = (labels: StringMap): boolean => {
      const found = labels[member];
      return found !== undefined && values.includes(found);
    };
    return word === 'in' ? isOne : (labels) => !isOne(labels);
  }
  const [, not, present = ''] = presence.exec(text) ?? [];
  if (not === undefined) return undefined;
  return (labels) => (labels[present] === undefined) === (not === '!');
}
