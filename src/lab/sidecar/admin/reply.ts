/** What an administration endpoint answers. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export function textReply(body: string, status = 200): Reply {
  return { status, contentType: 'text/plain; charset=UTF-8', body };
}

/** Indented by one space, as Envoy prints JSON. */
export function jsonReply(value: unknown): Reply {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` };
}
