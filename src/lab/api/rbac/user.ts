/** Who asks: a name and groups, from a client certificate, a service account's token, or impersonation. */

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Whom the server takes a caller without credentials for, on the few paths that need none. */
export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The group whose members may do everything. */
export const mastersGroup = 'system:masters';
