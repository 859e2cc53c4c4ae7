/** A request and an answer as the handlers see them, without Node's streams, so that tests call handlers without a port. */
import type { User } from '../rbac/user.ts';

export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly user: User;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are written as JSON; a stream is written as it comes. */
  readonly body: JsonBody | TextBody | StreamBody;
  /** Sentences for `Warning:` headers, which kubectl prints. */
  readonly warnings?: readonly string[];
}

export interface JsonBody {
  readonly json: unknown;
}

export interface TextBody {
  readonly text: string | Buffer;
  readonly type: string;
}

export interface StreamBody {
  readonly stream: AsyncIterable<string | Buffer>;
  readonly type: string;
}

export function jsonResponse(json: unknown, status = 200, warnings: readonly string[] = []): ApiResponse {
  return { status, body: { json }, ...(warnings.length === 0 ? {} : { warnings }) };
}

export function textResponse(text: string, status = 200): ApiResponse {
  return { status, body: { text, type: 'text/plain; charset=utf-8' } };
}
