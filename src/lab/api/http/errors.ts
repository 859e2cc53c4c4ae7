/** Refusals that more than one handler makes. */
import { ApiStatus } from '../status.ts';

export function methodNotAllowed(): ApiStatus {
  return new ApiStatus(
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}
