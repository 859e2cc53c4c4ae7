import type { StreamRecord } from '../access-log.ts';
import { type DownstreamConnection, formatEndpoint } from '../listener/downstream-connection.ts';

/** A record with what is known of a stream from its connection alone. */
export function startRecord(connection: DownstreamConnection, startedAt: number): StreamRecord {
  return {
    startedAt,
    durationMs: 0,
    responseCode: 0,
    flags: [],
    bytesReceived: 0,
    bytesSent: 0,
    downstreamLocalAddress: formatEndpoint(connection.to),
    downstreamRemoteAddress: formatEndpoint(connection.from),
    ...(connection.serverName === undefined ? {} : { requestedServerName: connection.serverName }),
  };
}
