/**
 * Which listeners a connection to a port of the pod can meet, and under which destination. Captured connections enter
 * `virtualInbound` on 15006; a listener that is bound to the port itself takes the others, whatever made it (a Sidecar
 * resource without capture, an EnvoyFilter, the proxy's own 15021 and 15090).
 */
import { isIPv4, isIPv6 } from 'node:net';
import { asNumber, asObjects, asText, type JsonObject } from '../../sources/json-value.ts';
import type { EnvoyDump, ListenerStates } from './config-dump.ts';
import type { Ports } from './listener-filters.ts';
import { field, path } from './proto-json.ts';

export interface Entrance {
  readonly states: ListenerStates;
  readonly ports: Ports;
}

const capturePort = 15006;
/** Ports of the agent and of Envoy that istio-iptables never captures (tools/istio-iptables, `INBOUND_PORTS_EXCLUDE`). */
const neverCaptured: ReadonlySet<number> = new Set([15020, 15021, 15090]);

/**
 * The listeners that new connections meet; one that is not active yet only where no other is there.
 * @param addresses the pod's; empty where they are not known
 */
export function entrances(dump: EnvoyDump, port: number, addresses: readonly string[]): readonly Entrance[] {
  const captured = capturedListener(dump);
  const own = ownListeners(dump, port, addresses);
  // A listener that was removed drains, and one that is new warms: neither takes a new connection.
  const live = own.filter(({ active }) => active !== undefined);
  const bound = live.filter(binds).map((states) => direct(states, port));
  if (captured === undefined)
    return bound.length > 0 ? bound : own.filter(binds).map((one) => direct(one, port));
  if (bound.length > 0 && neverCaptured.has(port)) return bound;
  // Envoy hands the connection on to a listener of its original destination, where there is one, bound or not.
  const handsOn = field(anyState(captured), 'use_original_dst') === true;
  const taker = handsOn ? mostSpecific(live, addresses) : undefined;
  if (taker !== undefined) return [direct(taker, port)];
  return [...bound, { states: captured, ports: capturedPorts(dump, captured, port) }];
}

/** Every listener that old connections to the port may be on still. */
export function drainingEntrances(
  dump: EnvoyDump,
  port: number,
  addresses: readonly string[],
): readonly Entrance[] {
  const captured = capturedListener(dump);
  const own = ownListeners(dump, port, addresses).map((states) => direct(states, port));
  const all =
    captured === undefined ? own : [...own, { states: captured, ports: capturedPorts(dump, captured, port) }];
  return all.filter(({ states }) => states.draining !== undefined);
}

/** Listeners of the port itself, besides the ones that capture. */
function ownListeners(
  dump: EnvoyDump,
  port: number,
  addresses: readonly string[],
): readonly ListenerStates[] {
  const captured = capturedListener(dump);
  return dump.listeners.filter(
    (states) => states !== captured && !isVirtualOutbound(states) && takes(states, port, addresses),
  );
}

function direct(states: ListenerStates, port: number): Entrance {
  return { states, ports: { arrival: port, original: port } };
}

function capturedPorts(dump: EnvoyDump, captured: ListenerStates, port: number): Ports {
  const arrival = isRedirected(dump) ? (portOf(captured) ?? port) : port;
  return { arrival, original: port };
}

/** The listener that captured connections enter; undefined where the dump has none. */
export function capturedListener(dump: EnvoyDump): ListenerStates | undefined {
  const inbound = dump.listeners.filter(isInbound);
  return (
    inbound.find((states) => states.name === 'virtualInbound') ??
    inbound.find((states) => portOf(states) === capturePort)
  );
}

export function anyState(states: ListenerStates): JsonObject {
  return states.active ?? states.warming ?? states.draining ?? {};
}

function isInbound(states: ListenerStates): boolean {
  const direction = field(anyState(states), 'traffic_direction');
  if (direction === 'INBOUND') return true;
  // The proxy's own listeners for metrics and health carry no direction; before Istio 1.6 none did.
  if (direction !== undefined && direction !== 'UNSPECIFIED') return false;
  return states.isStatic || states.name === 'virtualInbound';
}

/** What the pod sends is captured there; nothing calls it from outside. */
function isVirtualOutbound(states: ListenerStates): boolean {
  const listener = anyState(states);
  return field(listener, 'traffic_direction') === 'OUTBOUND' && field(listener, 'use_original_dst') === true;
}

/**
 * Redirection (REDIRECT) leaves the capture port as the destination until the original_dst filter has looked up the
 * first one; TPROXY keeps it. Where the dump does not say, the port is taken to be known from the start.
 */
function isRedirected(dump: EnvoyDump): boolean {
  return dump.node.metadata.INTERCEPTION_MODE === 'REDIRECT';
}

interface Address {
  readonly address: string;
  readonly port: number;
  /** `[::]` that takes IPv4 as well. */
  readonly dual: boolean;
}

/** TCP only: a QUIC listener may have the same port. */
function addressesOf(states: ListenerStates): readonly Address[] {
  const listener = anyState(states);
  const more = asObjects(field(listener, 'additional_addresses')).map((one) => field(one, 'address'));
  return [field(listener, 'address'), ...more].flatMap((address) => {
    const socket = field(address, 'socket_address');
    const port = asNumber(field(socket, 'port_value'));
    if (port === undefined || field(socket, 'protocol') === 'UDP') return [];
    const dual = field(socket, 'ipv4_compat') === true;
    return [{ address: asText(field(socket, 'address')) ?? '', port, dual }];
  });
}

function portOf(states: ListenerStates): number | undefined {
  return addressesOf(states)[0]?.port;
}

function takes(states: ListenerStates, port: number, pod: readonly string[]): boolean {
  return addressesOf(states).some((one) => one.port === port && meets(one, pod));
}

function meets({ address, dual }: Address, pod: readonly string[]): boolean {
  if (address === '0.0.0.0') return pod.length === 0 || pod.some((own) => isIPv4(own));
  if (address === '::') return pod.length === 0 || pod.some((own) => isIPv6(own) || dual);
  // What is bound to loopback is not reached from outside.
  return pod.length === 0 ? !/^(127\.|::1$)/.test(address) : pod.includes(address);
}

function mostSpecific(
  listeners: readonly ListenerStates[],
  pod: readonly string[],
): ListenerStates | undefined {
  const exact = (states: ListenerStates): boolean =>
    addressesOf(states).some(({ address }) => pod.includes(address));
  return listeners.find(exact) ?? listeners[0];
}

function binds(states: ListenerStates): boolean {
  const listener = anyState(states);
  const toPort = field(listener, 'bind_to_port') ?? path(listener, 'deprecated_v1', 'bind_to_port');
  return toPort !== false && field(toPort, 'value') !== false;
}
