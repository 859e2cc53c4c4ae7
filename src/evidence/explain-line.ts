/** A pasted line: what it says, and the caller and server that it names. */
import { type Symptom, symptomOf } from '../mesh/explain/symptoms.ts';
import { type AccessLogEntry, parseAccessLogLine } from './envoy/access-log.ts';

export interface ExplainedLine {
  readonly line: string;
  readonly symptom?: Symptom;
  /** For a line of Istio's access log. */
  readonly entry?: AccessLogEntry;
  /** Whose proxy wrote the line. */
  readonly side?: 'client' | 'server';
  /** The caller's address, without its port. */
  readonly from?: string;
  /** The host that was called and its port, or the server's address and port. */
  readonly to?: { readonly name: string; readonly port: number };
}

export function explainLine(line: string): ExplainedLine {
  const text = line.trim();
  const symptom = symptomOf(text);
  const entry = parseAccessLogLine(text);
  return {
    line: text,
    ...(symptom === undefined ? {} : { symptom }),
    ...(entry === undefined ? ztunnelParties(text) : { entry, ...parties(entry) }),
  };
}

/** Whether any part of the text is one that has an explanation. */
export function isKnownLine(text: string): boolean {
  return symptomOf(text) !== undefined || parseAccessLogLine(text) !== undefined;
}

/** In a server's log the local address is the server's; a client's names the host that it calls in its cluster. */
function parties({
  upstreamCluster,
  localAddress,
  remoteAddress,
}: AccessLogEntry): Pick<ExplainedLine, 'side' | 'from' | 'to'> {
  const from = remoteAddress === undefined ? {} : { from: splitAddress(remoteAddress).name };
  const outbound = /^outbound\|(\d+)\|[^|]*\|(.+)$/.exec(upstreamCluster ?? '');
  if (outbound !== null)
    return { side: 'client', ...from, to: { name: outbound[2] ?? '', port: Number(outbound[1]) } };
  if (localAddress === undefined) return from;
  const { name, port } = splitAddress(localAddress);
  return { side: 'server', ...from, ...(port === undefined ? {} : { to: { name, port } }) };
}

/** `src.addr=10.1.2.3:41234 dst.addr=10.1.2.4:8080`, as ztunnel writes it. */
function ztunnelParties(text: string): Pick<ExplainedLine, 'side' | 'from' | 'to'> {
  const source = /\bsrc\.addr=(\S+)/.exec(text)?.[1];
  const target = /\bdst\.addr=(\S+)/.exec(text)?.[1];
  if (source === undefined || target === undefined) return {};
  const { name, port } = splitAddress(target);
  return {
    side: /\bdirection="?outbound/.test(text) ? 'client' : 'server',
    from: splitAddress(source).name,
    ...(port === undefined ? {} : { to: { name, port } }),
  };
}

function splitAddress(text: string): { readonly name: string; readonly port?: number } {
  const match = /^\[?(.+?)\]?:(\d+)$/.exec(text);
  return match === null ? { name: text } : { name: match[1] ?? '', port: Number(match[2]) };
}
