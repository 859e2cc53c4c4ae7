/** Requests and limits: a request may not be larger than its limit. */
import { type JsonObject, objectAt } from '../json.ts';
import { type FieldError, invalidValue } from '../validation/field-error.ts';
import { parseQuantity } from './quantity.ts';

/** What is wrong with a container's `resources`. */
export function validateResources(resources: JsonObject, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const limits = objectAt(resources, 'limits') ?? {};
  for (const [name, request] of Object.entries(objectAt(resources, 'requests') ?? {})) {
    const wanted = parseQuantity(request);
    const limit = parseQuantity(limits[name]);
    if (wanted !== undefined && limit !== undefined && wanted > limit) {
      const sentence = `must be less than or equal to ${name} limit of ${String(limits[name])}`;
      errors.push(invalidValue(`${at}.requests`, request, sentence));
    }
  }
  return errors;
}
