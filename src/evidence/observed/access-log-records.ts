/**
 * Access logs as traffic records. In an inbound entry the requested server name tells mutual TLS from plaintext, and the
 * field before it is the sender's address (design fact 23).
 */
import type { Workload } from '../../mesh/workload.ts';
import { type AccessLogEntry, callerSentNothing, isIstioServerName, isRefusal } from '../envoy/access-log.ts';
import type { LoggedEntry } from '../proxy/log.ts';
import type { AddressBook, Party } from './address-book.ts';
import { callerHint } from './caller-hints.ts';
import type { Security } from './observation.ts';
import type { TrafficRecord } from './record.ts';

/** @param ownAddresses of the pod whose log it is */
export function accessLogRecords(
  workload: Workload,
  ownAddresses: ReadonlySet<string>,
  entries: readonly LoggedEntry[],
  book: AddressBook,
): readonly TrafficRecord[] {
  return entries.flatMap(({ entry, at }): readonly TrafficRecord[] => {
    const local = splitAddress(entry.localAddress);
    const remote = splitAddress(entry.remoteAddress);
    if (local === undefined || remote === undefined) return [];
    if (!isInbound(entry, local.address, remote.address, ownAddresses) || callerSentNothing(entry)) return [];
    const refused = entry.flags.split(',').includes('NR') && isRefusal(entry);
    return [
      {
        source: 'access log',
        workloadId: workload.id,
        port: local.port,
        security: securityOf(entry),
        unit: entry.request === undefined ? 'connections' : 'requests',
        count: 1,
        ...(refused ? { refused: true } : {}),
        sender: senderOf(entry, remote, ownAddresses, book, at),
        ...(remote.port === 0 ? {} : { address: remote.address }),
        ...(entry.userAgent === undefined ? {} : { userAgent: entry.userAgent }),
        at,
      },
    ];
  });
}

/** One log holds what the pod received and what it sent. What arrives has the pod's own address as its target. */
function isInbound(entry: AccessLogEntry, local: string, remote: string, own: ReadonlySet<string>): boolean {
  const cluster = entry.upstreamCluster;
  if (cluster !== undefined && /^(inbound\||InboundPassthroughCluster)/.test(cluster)) return true;
  if (cluster !== undefined && /^(outbound\||PassthroughCluster|BlackHoleCluster)/.test(cluster))
    return false;
  return own.has(local) && !own.has(remote);
}

function securityOf(entry: AccessLogEntry): Security {
  if (entry.serverName === undefined) return 'plaintext';
  return isIstioServerName(entry.serverName) ? 'mtls' : 'other-tls';
}

function senderOf(
  entry: AccessLogEntry,
  remote: { readonly address: string; readonly port: number },
  own: ReadonlySet<string>,
  book: AddressBook,
  at: number,
): Party {
  const { address } = remote;
  if (/^padlock(-probe)?\//.test(entry.userAgent ?? '')) {
    return { kind: 'padlock', name: 'Padlock’s own probe', because: 'its User-Agent says so', meshed: false };
  }
  if (remote.port !== 0 && (own.has(address) || address.startsWith('127.') || address === '::1')) {
    return { kind: 'self', name: 'the pod itself', because: `${address} is its own address`, meshed: true };
  }
  const authority = splitAddress(entry.authority)?.address ?? entry.authority ?? '';
  // The API server's pod proxy sends its caller's address as X-Forwarded-For, and itself as the authority.
  if (remote.port === 0 && book.isApiServer(authority)) {
    const because = `the request’s authority is the API server’s address ${authority}: it came by its pod or service proxy`;
    return { kind: 'api-server', name: 'API server', because, meshed: false };
  }
  const party = book.resolve(address, at);
  const hint = callerHint(entry.userAgent);
  if (remote.port === 0) return forwarded(party, address, hint);
  return hint === undefined
    ? party
    : { ...party, because: `${party.because}; its User-Agent is that of ${hint}` };
}

/**
 * Envoy takes the address from `X-Forwarded-For` where a request has one, and then prints port 0: the header was set by
 * some proxy on the way (an ingress controller, a load balancer), and that proxy is the sender.
 */
function forwarded(party: Party, address: string, hint: string | undefined): Party {
  const whom = party.kind === 'address' ? address : `${party.name} (${address})`;
  const because =
    `its X-Forwarded-For says ${whom}; the proxy in between, which is the sender, is not in the log` +
    (hint === undefined ? '' : `; its User-Agent is that of ${hint}`);
  return { kind: 'forwarded', name: 'a proxy that sets X-Forwarded-For', because, meshed: false };
}

/** `10.0.0.1:80`, `[fd00::1]:80`, and a host without a port. */
export function splitAddress(
  text: string | undefined,
): { readonly address: string; readonly port: number } | undefined {
  const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text ?? '');
  const [, address, port] = match ?? [];
  return address === undefined || port === undefined ? undefined : { address, port: Number(port) };
}
