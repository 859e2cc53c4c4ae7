/** Why there is no connection to an endpoint, in the words that Envoy puts into responses and access logs. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  readonly resetReason: 'remote connection failure' | 'connection timeout';
  /** Empty where the transport had nothing to say. */
  readonly transportFailure: string;

  constructor(resetReason: ConnectFailure['resetReason'], transportFailure: string, cause?: unknown) {
    super(`${resetReason}: ${transportFailure}`, { cause });
    this.resetReason = resetReason;
    this.transportFailure = transportFailure;
  }
}

const errorTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
};

/** @param error what `dial` or `connectLocal` rejected with. */
export function dialFailure(error: unknown): ConnectFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = errorTexts[code] ?? (error instanceof Error ? error.message : String(error));
  return new ConnectFailure('remote connection failure', `delayed connect error: ${text}`, error);
}
