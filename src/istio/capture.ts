/**
 * Which connections reach the sidecar at all: the pod's `traffic.sidecar.istio.io/*` annotations, as the pod's network rules
 * read them. The control plane does not look at them, so clients go on as if every port were captured.
 */
import type { StringMap } from './fields.ts';

export type InboundCapture =
  | { readonly captured: true }
  | {
      readonly captured: false;
      readonly cause: 'excluded' | 'not-included' | 'proxy-port' | 'no-interception';
      /** The annotation that decided, where one did. */
      readonly annotation?: string;
      readonly value?: string;
    };

const prefix = 'traffic.sidecar.istio.io/';
export const captureAnnotations = {
  excludeInbound: `${prefix}excludeInboundPorts`,
  includeInbound: `${prefix}includeInboundPorts`,
  excludeOutbound: `${prefix}excludeOutboundPorts`,
  includeOutbound: `${prefix}includeOutboundPorts`,
  excludeRanges: `${prefix}excludeOutboundIPRanges`,
  includeRanges: `${prefix}includeOutboundIPRanges`,
  interception: 'sidecar.istio.io/interceptionMode',
} as const;

/** The proxy's own ports: agent's metrics, health, and Prometheus. Plaintext whatever the mode. */
export const proxyPorts: ReadonlySet<number> = new Set([15020, 15021, 15090]);

/** Whether a connection to the pod's port goes through the sidecar. An include list makes the exclude list void. */
export function inboundCapture(annotations: StringMap, port: number): InboundCapture {
  if (proxyPorts.has(port)) return { captured: false, cause: 'proxy-port' };
  if (annotations[captureAnnotations.interception] === 'NONE') {
    return {
      captured: false,
      cause: 'no-interception',
      annotation: captureAnnotations.interception,
      value: 'NONE',
    };
  }
  const included = annotations[captureAnnotations.includeInbound];
  if (included !== undefined && included.trim() !== '*') {
    if (portList(included).has(port)) return { captured: true };
    return {
      captured: false,
      cause: 'not-included',
      annotation: captureAnnotations.includeInbound,
      value: included,
    };
  }
  const excluded = annotations[captureAnnotations.excludeInbound];
  if (excluded === undefined || !portList(excluded).has(port)) return { captured: true };
  return {
    captured: false,
    cause: 'excluded',
    annotation: captureAnnotations.excludeInbound,
    value: excluded,
  };
}

/** Ports of a comma-separated list; entries that are no port numbers are left out. */
export function portList(text: string): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const part of text.split(',')) {
    const port = Number(part.trim());
    if (part.trim() !== '' && Number.isInteger(port)) ports.add(port);
  }
  return ports;
}

export type OutboundCapture =
  | { readonly captured: true }
  | { readonly captured: false; readonly annotation: string; readonly value: string };

/**
 * Whether a client's connection to an address and port goes through its sidecar. `addresses` are those that the call may go to
 * (a Service's own address, or the endpoint's for a headless one); one that is not known is taken as not excluded.
 */
export function outboundCapture(
  annotations: StringMap,
  port: number,
  address: string | undefined,
): OutboundCapture {
  const decided = (annotation: string): OutboundCapture => ({
    captured: false,
    annotation,
    value: annotations[annotation] ?? '',
  });
  const { excludeOutbound, includeOutbound, excludeRanges, includeRanges, interception } = captureAnnotations;
  if (annotations[interception] === 'NONE') return decided(interception);
  if (portList(annotations[excludeOutbound] ?? '').has(port)) return decided(excludeOutbound);
  if (address !== undefined && inAnyRange(annotations[excludeRanges] ?? '', address))
    return decided(excludeRanges);
  // A port on the include list is captured even where its address is not.
  const ports = annotations[includeOutbound];
  if (ports !== undefined && portList(ports).has(port)) return { captured: true };
  const ranges = annotations[includeRanges];
  if (ranges === undefined || ranges.trim() === '*') return { captured: true };
  if (address === undefined || inAnyRange(ranges, address)) return { captured: true };
  return decided(includeRanges);
}

function inAnyRange(ranges: string, address: string): boolean {
  const bits = addressBits(address);
  return bits !== undefined && ranges.split(',').some((range) => inRange(range.trim(), bits));
}

function inRange(range: string, address: readonly number[]): boolean {
  const [base = '', length] = range.split('/');
  const bits = addressBits(base);
  if (bits === undefined || bits.length !== address.length) return false;
  const count = length === undefined ? bits.length * 8 : Number(length);
  if (!Number.isInteger(count) || count < 0 || count > bits.length * 8) return false;
  for (let bit = 0; bit < count; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((bits[bit >> 3] ?? 0) & mask) !== ((address[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** The bytes of an IPv4 or IPv6 address; undefined for anything else. */
export function addressBits(address: string): readonly number[] | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const bytes = address.split('.').map(Number);
    return bytes.every((byte) => byte <= 255) ? bytes : undefined;
  }
  if (!/^[0-9a-fA-F:]+$/.test(address) || !address.includes(':')) return undefined;
  const [head = '', tail, more] = address.split('::');
  if (more !== undefined) return undefined;
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...before, ...Array<string>(Math.max(missing, 0)).fill('0'), ...after];
  const words = all.map((group) =>
    group.length <= 4 && group !== '' ? Number.parseInt(group, 16) : Number.NaN,
  );
  return words.some(Number.isNaN) ? undefined : words.flatMap((word) => [word >> 8, word & 0xff]);
}
