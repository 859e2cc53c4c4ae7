/** Socket errors as Node words them, for connections that the virtual network refuses before a socket exists. */
import type { Endpoint } from './network.ts';

export type SocketErrorCode = 'ECONNREFUSED' | 'EHOSTUNREACH' | 'EADDRINUSE' | 'ECONNRESET' | 'ETIMEDOUT';

/** @returns an error with `code`, `syscall`, `address` and `port`, as `net.connect` would emit. */
export function socketError(code: SocketErrorCode, syscall: string, to: Endpoint): NodeJS.ErrnoException {
  return Object.assign(new Error(`${syscall} ${code} ${to.ip}:${to.port}`), {
    code,
    syscall,
    address: to.ip,
    port: to.port,
  });
}

/** The `code` of a Node error; undefined for anything else that was thrown. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
