/** What the API server's answers and broken connections mean to a person: each becomes one `PadlockError`. */
import { type ErrorCode, PadlockError } from '../../errors.ts';
import { asObject, asText, dig } from '../json-value.ts';

/** What was asked for, for the sentence and for the RBAC rule that would allow it. */
export interface Asked {
  /** RBAC's verb: `list`, `create`. */
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/exec`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** @returns the rule that a Role needs for it, in one line, as `padlock rbac` prints it. */
export function ruleFor(asked: Asked): string {
  // A GET that becomes a WebSocket is "get" to RBAC, and "create" too since Kubernetes 1.35.
  const verbs = /^pods\/(exec|portforward)$/.test(asked.resource) ? '"get", "create"' : `"${asked.verb}"`;
  return `apiGroups: ["${asked.group}"], resources: ["${asked.resource}"], verbs: [${verbs}]`;
}

/** @returns `pods in namespace secure-apps`, `pod "a" in …`. */
function describe(asked: Asked): string {
  const kind = asked.group === '' ? asked.resource : `${asked.resource}.${asked.group}`;
  const name = asked.name === undefined ? '' : ` "${asked.name}"`;
  const where = asked.namespace === undefined ? '' : ` in namespace ${asked.namespace}`;
  return `${kind}${name}${where}`;
}

/** @returns the message of a `Status` body (api.meta/v1), or the start of a body that is something else. */
export function statusMessage(body: string): string {
  try {
    const message = asText(asObject(JSON.parse(body)).message);
    if (message !== undefined) return message;
  } catch (notJson) {
    if (!(notJson instanceof SyntaxError)) throw notJson;
  }
  return body.trim().split('\n')[0]?.slice(0, 300) ?? '';
}

/** @returns the error for an HTTP status of 400 and more. */
export function errorForStatus(status: number, body: string, asked: Asked, context: string): PadlockError {
  const message = statusMessage(body);
  const what = describe(asked);
  switch (status) {
    case 401:
      return new PadlockError(
        'CLUSTER_UNAUTHORIZED',
        `context ${context}: the API server does not accept the login`,
        {
          hint: 'log in again with your provider’s tool, or choose another context with --context',
        },
      );
    case 403:
      return forbidden(message, asked);
    case 404:
      return new PadlockError('CLUSTER_NOT_FOUND', `${what} not found${tail(message)}`);
    case 409:
      return new PadlockError('CLUSTER_CONFLICT', `cannot ${asked.verb} ${what}${tail(message)}`);
    case 400:
    case 422:
      return new PadlockError('CLUSTER_INVALID', `the API server refuses ${what}${tail(message)}`);
    default:
      return new PadlockError(
        'CLUSTER_REQUEST_FAILED',
        `cannot ${asked.verb} ${what}: the API server answered ${status}${tail(message)}`,
        { hint: 'try again; if it lasts, look at the API server' },
      );
  }
}

function forbidden(message: string, asked: Asked): PadlockError {
  const user = /^.*? is forbidden: User "([^"]+)" cannot/.exec(message)?.[1];
  const who = user === undefined ? '' : ` as ${user}`;
  const role = asked.namespace === undefined ? 'a ClusterRole' : 'a Role';
  // Not every 403 is RBAC's: admission plug-ins and quotas answer it too, in their own words.
  const reason = user === undefined ? tail(message) : '';
  return new PadlockError(
    'CLUSTER_FORBIDDEN',
    `not allowed to ${asked.verb} ${describe(asked)}${who}${reason}`,
    { hint: `${role} needs the rule: ${ruleFor(asked)}` },
  );
}

function tail(message: string): string {
  return message === '' ? '' : `: ${message}`;
}

/** Node's codes for a certificate that the kubeconfig's CA did not sign, or that is for another name. */
const trustErrors: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** @returns Node's code of a socket error, looked for through its causes and Node's lists of tries. */
export function socketErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (!(error instanceof PadlockError) && 'code' in error && typeof error.code === 'string')
    return error.code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return socketErrorCode(inner);
}

/** @returns the error for a request that got no answer. A `PadlockError` passes through. */
export function errorForSocket(error: unknown, server: URL, context: string): PadlockError {
  if (error instanceof PadlockError) return error;
  const code = socketErrorCode(error) ?? '';
  const message = error instanceof Error ? error.message : String(error);
  const unreachable: ErrorCode = 'CLUSTER_UNREACHABLE';
  if (trustErrors.has(code)) {
    return new PadlockError(
      unreachable,
      `context ${context}: ${server.host} shows a certificate that the kubeconfig does not trust (${message})`,
      {
        cause: error,
        hint: 'is certificate-authority-data of this cluster? a cluster that was made anew has a new one',
      },
    );
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return new PadlockError(unreachable, `context ${context}: no TLS with ${server.host} (${message})`, {
      cause: error,
      hint: 'does the kubeconfig’s server begin with https:// and name the API server’s port?',
    });
  }
  const why: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'its name is unknown',
    EAI_AGAIN: 'its name cannot be looked up now',
    ETIMEDOUT: 'it did not answer',
    EHOSTUNREACH: 'there is no way to it',
    ENETUNREACH: 'there is no way to it',
    ECONNRESET: 'it closed the connection',
  };
  return new PadlockError(
    unreachable,
    `context ${context}: cannot reach the API server at ${server.host}: ${why[code] ?? message}`,
    {
      cause: error,
      hint: 'is the cluster up, and is this the right context? see --context and --kubeconfig',
    },
  );
}

/** @returns the error for a request that took longer than it may. */
export function errorForTimeout(
  server: URL,
  context: string,
  milliseconds: number,
  cause: unknown,
): PadlockError {
  return new PadlockError(
    'CLUSTER_UNREACHABLE',
    `context ${context}: the API server at ${server.host} did not answer within ${milliseconds / 1000} s`,
    { cause, hint: 'give it longer with --request-timeout, or check the way to it' },
  );
}

/** @returns a `Status` object's own code and message; for errors inside watch streams and exec channels. */
export function readStatus(value: unknown): {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
} {
  const code = dig(value, 'code');
  return {
    code: typeof code === 'number' ? code : 0,
    reason: asText(dig(value, 'reason')) ?? '',
    message: asText(dig(value, 'message')) ?? '',
  };
}
