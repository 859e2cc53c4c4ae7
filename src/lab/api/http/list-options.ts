/** What `?limit=`, `?resourceVersionMatch=` and `?sendInitialEvents=` may say together (apimachinery's `ValidateListOptions`). */
import { badRequest, invalid } from '../status.ts';
import { type FieldError, forbiddenField, notSupported, toCauses } from '../validation/field-error.ts';
import { isTrue } from './request-info.ts';

const match = 'resourceVersionMatch';

/** @throws ApiStatus BadRequest or Invalid where the options of a list or a watch make no sense. */
export function checkListOptions(url: URL, isWatch: boolean): void {
  const query = url.searchParams;
  const limit = query.get('limit') ?? '';
  if (limit !== '' && !/^-?\d+$/.test(limit)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limit)}: invalid syntax`);
  }
  const errors = isWatch ? watchErrors(query) : listErrors(query);
  if (errors.length > 0) throw invalid('ListOptions', 'meta.k8s.io', '', toCauses(errors));
}

function listErrors(query: URLSearchParams): readonly FieldError[] {
  const errors: FieldError[] = [];
  const asked = query.get(match) ?? '';
  const version = query.get('resourceVersion') ?? '';
  if (query.has('sendInitialEvents')) {
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (asked === '') return errors;
  if (version === '') {
    errors.push(forbiddenField(match, `${match} is forbidden unless resourceVersion is provided`));
  }
  if ((query.get('continue') ?? '') !== '') {
    errors.push(forbiddenField(match, `${match} is forbidden when continue is provided`));
  }
  if (asked !== 'Exact' && asked !== 'NotOlderThan') {
    errors.push(notSupported(match, asked, ['Exact', 'NotOlderThan', '']));
  }
  if (asked === 'Exact' && version === '0') {
    errors.push(forbiddenField(match, `${match} "Exact" is forbidden for resourceVersion "0"`));
  }
  return errors;
}

function watchErrors(query: URLSearchParams): readonly FieldError[] {
  const errors: FieldError[] = [];
  const asked = query.get(match) ?? '';
  const sends = query.get('sendInitialEvents');
  if (sends === null) {
    if (asked === '') return errors;
    errors.push(
      forbiddenField(match, `${match} is forbidden for watch unless sendInitialEvents is provided`),
    );
  } else if (isTrue(sends) && asked === '') {
    errors.push(forbiddenField(match, `sendInitialEvents requires setting ${match} to NotOlderThan`));
  }
  if (asked !== '' && asked !== 'NotOlderThan') errors.push(notSupported(match, asked, ['NotOlderThan']));
  return errors;
}
