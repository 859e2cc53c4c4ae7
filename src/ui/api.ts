/** Talks to the dashboard's own server; every refusal is an error with a sentence. */
import type { ErrorView } from '../server/wire.ts';
import { keyHeader, pageKey } from './page-key.ts';

export class ApiError extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

export async function getJson<Type>(path: string, signal?: AbortSignal): Promise<Type> {
  const response = await send(path, signal === undefined ? {} : { signal });
  // The server and the page are built together from one file of types.
  return (await response.json()) as Type;
}

/** A request that does something. */
export function post(path: string, signal?: AbortSignal): Promise<Response> {
  return send(path, { method: 'POST', ...(signal === undefined ? {} : { signal }) });
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, headers: { [keyHeader]: pageKey() } });
  if (response.ok) return response;
  const text = await response.text();
  const view = readError(text);
  throw new ApiError(response.status, view?.error ?? `the dashboard answered ${response.status}`, view?.hint);
}

function readError(text: string): ErrorView | undefined {
  try {
    return JSON.parse(text) as ErrorView;
  } catch (notJson) {
    if (notJson instanceof SyntaxError) return undefined;
    throw notJson;
  }
}
