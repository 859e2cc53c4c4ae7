/** Who wrote an object last, from what the API server records for server-side apply (`metadata.managedFields`). */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { asObject, asText, dig } from '../../sources/json-value.ts';
import type { Author } from './fact.ts';

/**
 * The newest entry that owns a part of the spec (a field that is changed moves to the one who changed it), else of the
 * rest; status writers are passed over. Undefined where nothing is recorded. Times are in seconds.
 */
export function authorOf(object: KubeObject): Author | undefined {
  return newest(object, (field) => field === 'f:spec') ?? newest(object, (field) => field !== 'f:status');
}

function newest(object: KubeObject, counts: (field: string) => boolean): Author | undefined {
  const entries = (object.metadata.managedFields ?? []).flatMap((entry): readonly Author[] => {
    const manager = asText(dig(entry, 'manager'));
    const time = asText(dig(entry, 'time'));
    const fields = asObject(dig(entry, 'fieldsV1'));
    const declares = Object.keys(fields).some(counts);
    if (manager === undefined || time === undefined || !declares) return [];
    if ((asText(dig(entry, 'subresource')) ?? '') !== '') return [];
    return [{ manager, operation: asText(dig(entry, 'operation')) ?? 'Update', time }];
  });
  return entries.toSorted((a, b) => (a.time === b.time ? 0 : a.time < b.time ? 1 : -1))[0];
}
