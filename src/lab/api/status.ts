/**
 * The errors of the Kubernetes API, worded and shaped as the real API server words and shapes them
 * (apimachinery's `metav1.Status`). Everything that refuses a request throws an `ApiStatus`.
 */

export type StatusReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'Invalid'
  | 'UnsupportedMediaType'
  | 'RequestEntityTooLarge'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout'
  /** No reason in the body: what Go reports as a plain error. */
  | 'Unknown';

const httpCodes: Readonly<Record<StatusReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  Unknown: 500,
};

/** One of several reasons for a refusal: which field, and what is wrong with it. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The resource (`pods`), or for Invalid the kind (`Pod`), as the real server fills it. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The JSON body of a refusal. */
export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** A group and a plural: `{ group: 'apps', resource: 'deployments' }` prints `deployments.apps`. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** A refusal by the API server; `toJSON` gives the `Status` object that clients read. */
export class ApiStatus extends Error {
  override readonly name = 'ApiStatus';
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason, message: string, details?: StatusDetails, code = httpCodes[reason]) {
    super(message);
    this.reason = reason;
    this.code = code;
    this.details = details;
  }

  toJSON(): StatusBody {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === 'Unknown' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** @returns `deployments.apps`, or `pods` for the core group. */
export function qualified(resource: GroupResource): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

function detailsOf(resource: GroupResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.resource,
  };
}

/** 404: the object is not there. */
export function notFound(resource: GroupResource, name: string): ApiStatus {
  return new ApiStatus('NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

/** 404: the path names nothing that is served. */
export function pathNotFound(): ApiStatus {
  return new ApiStatus('NotFound', 'the server could not find the requested resource', {});
}

/** 409: create of a name that is taken. */
export function alreadyExists(resource: GroupResource, name: string): ApiStatus {
  const message = `${qualified(resource)} "${name}" already exists`;
  return new ApiStatus('AlreadyExists', message, detailsOf(resource, name));
}

/** 409 with the cause in the server's own frame, `Operation cannot be fulfilled on ...`. */
export function conflict(resource: GroupResource, name: string, why: string): ApiStatus {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new ApiStatus('Conflict', message, detailsOf(resource, name));
}

/** 409: the write was prepared on an older version of the object. */
export function modifiedConflict(resource: GroupResource, name: string): ApiStatus {
  return conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

/** 403 by admission or authorization: `pods "x" is forbidden: why`. */
export function forbidden(resource: GroupResource, name: string, why: string): ApiStatus {
  const subject = name === '' ? qualified(resource) : `${qualified(resource)} "${name}"`;
  return new ApiStatus('Forbidden', `${subject} is forbidden: ${why}`, detailsOf(resource, name));
}

/** 400: the request itself cannot be understood. */
export function badRequest(message: string): ApiStatus {
  return new ApiStatus('BadRequest', message);
}

/** 422 with one cause for each wrong field. `kind` and `group` are the object's, as in `Deployment.apps "x" is invalid`. */
export function invalid(
  kind: string,
  group: string,
  name: string,
  causes: readonly StatusCause[],
): ApiStatus {
  const subject = group === '' ? kind : `${kind}.${group}`;
  const sentences = [...new Set(causes.map((cause) => `${cause.field ?? ''}: ${cause.message}`))];
  const list = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`;
  return new ApiStatus('Invalid', `${subject} "${name}" is invalid: ${list}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    causes,
  });
}

/** 410: the history that was asked for is gone; clients list again. */
export function expired(message: string): ApiStatus {
  return new ApiStatus('Expired', message);
}
