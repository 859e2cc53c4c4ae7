/** What a workload's port accepts: the effective mode, and what its proxy makes of it. */
import { type AmbientDecision, ambientDecision, ambientRefusesPlaintext } from '../istio/ambient.ts';
import { inboundCapture, proxyPorts } from '../istio/capture.ts';
import { type ComposedMode, composeMode, modeOfPort, type Scope } from '../istio/effective-mode.ts';
import { type ChainOutcome, chainOutcome, uncapturedOutcome, type Wire } from '../istio/filter-chain.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { MtlsMode, PeerAuthentication } from '../istio/peer-authentication.ts';
import { type ProtocolClass, protocolClass } from '../istio/protocol.ts';
import { chooseSidecar } from '../istio/sidecar-resource.ts';
import { declaredPorts } from './declared-ports.ts';
import { ambientReasons, captureReasons, modeReasons } from './inbound-reasons.ts';
import { controlPlaneOf, type Mesh, type Read } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Workload } from './workload.ts';

export type { Scope } from '../istio/effective-mode.ts';

export interface EffectiveMode {
  readonly mode: MtlsMode;
  /** The level whose policy decided. */
  readonly scope: Scope;
  /** The policy that decided; absent for the default. */
  readonly policy?: ObjectRef;
  readonly because: readonly Reason[];
}

/** The policies that meet in a workload, level by level, those that are beaten included. */
export function composedMode(mesh: Mesh, workload: Workload): ComposedMode<Read<PeerAuthentication>> {
  const memo = mesh.index.memo.composed;
  let composed = memo.get(workload);
  if (composed === undefined) {
    const plane = controlPlaneOf(mesh, workload.revision);
    composed = composeMode(plane.policies, workload.namespace, workload.labels);
    memo.set(workload, composed);
  }
  return composed;
}

/** What ztunnel was told about an ambient workload. */
export function ambientMode(mesh: Mesh, workload: Workload): AmbientDecision {
  const memo = mesh.index.memo.ambient;
  let decision = memo.get(workload);
  if (decision === undefined) {
    const plane = controlPlaneOf(mesh, workload.revision);
    decision = ambientDecision(plane.policies, workload.namespace, workload.labels);
    memo.set(workload, decision);
  }
  return decision;
}

/** PeerAuthentication's answer for one workload port, whether or not a proxy is there to hold it. */
export function effectiveMode(mesh: Mesh, workload: Workload, port: number): EffectiveMode {
  if (workload.dataplane === 'ambient') return ambientEffectiveMode(mesh, workload, port);
  const composed = composedMode(mesh, workload);
  const { mode, scope } = modeOfPort(composed, port);
  const policy = scope === 'default' ? undefined : decidingPolicy(composed, scope);
  return new Decided(mode, scope, policy, () => modeReasons(composed, port));
}

function decidingPolicy(
  composed: ComposedMode,
  scope: Exclude<Scope, 'default'>,
): PeerAuthentication | undefined {
  const level = scope === 'port' ? 'workload' : scope;
  return composed.levels.find((candidate) => candidate.scope === level)?.policy;
}

/** ztunnel always takes mutual TLS: DISABLE is PERMISSIVE to it, and both are told as PERMISSIVE. */
function ambientEffectiveMode(mesh: Mesh, workload: Workload, port: number): EffectiveMode {
  const decision = ambientMode(mesh, workload);
  const strict = ambientRefusesPlaintext(decision, port);
  const own = decision.workload?.portLevel.get(port);
  const scope: Scope =
    own !== undefined && own !== 'UNSET' && decision.exceptions.has(port)
      ? 'port'
      : decision.workload !== undefined && decision.workload.mode !== 'UNSET'
        ? 'workload'
        : decision.namespace !== undefined && decision.namespace.mode !== 'UNSET'
          ? 'namespace'
          : decision.mesh !== undefined && decision.mesh.mode !== 'UNSET'
            ? 'mesh'
            : 'default';
  const policy = scope === 'default' ? undefined : scope === 'port' ? decision.workload : decision[scope];
  return new Decided(strict ? 'STRICT' : 'PERMISSIVE', scope, policy, () =>
    ambientReasons(decision, port, strict),
  );
}

export interface Inbound extends EffectiveMode {
  readonly workload: Workload;
  readonly port: number;
  /** False: no proxy, or the port is excluded from it; then `mode` has no effect. */
  readonly captured: boolean;
  /** The proxy takes and ends Istio mutual TLS here. */
  readonly mtls: boolean;
  /** Plaintext gets through to the application. */
  readonly plaintext: boolean;
  /** How the proxy treats the port: as HTTP, as bytes, or by looking at the first of them. */
  readonly protocol: ProtocolClass;
}

/** What really happens at a workload's port: mode, capture, and filter chains. Computed once for each workload and port. */
export function inbound(mesh: Mesh, workload: Workload, port: number): Inbound {
  const memo = mesh.index.memo.inbound;
  let ports = memo.get(workload);
  if (ports === undefined) {
    ports = new Map();
    memo.set(workload, ports);
  }
  let answer = ports.get(port);
  if (answer === undefined) {
    answer = findInbound(mesh, workload, port);
    ports.set(port, answer);
  }
  return answer;
}

function findInbound(mesh: Mesh, workload: Workload, port: number): Inbound {
  const captured = isCaptured(mesh, workload, port);
  const declared = declaredPorts(mesh, workload).get(port);
  const decided = effectiveMode(mesh, workload, port);
  const protocol =
    declared === undefined || declared.protocol === 'UDP' ? 'auto' : protocolClass(declared.protocol);
  const ambient = workload.dataplane === 'ambient';
  return new InboundAnswer(workload, port, decided, {
    captured,
    mtls: captured && (ambient || decided.mode !== 'DISABLE'),
    plaintext: !captured || decided.mode !== 'STRICT',
    protocol,
  });
}

/** Its reasons are worked out when they are read, like an edge's. */
class InboundAnswer implements Inbound {
  readonly workload: Workload;
  readonly port: number;
  readonly mode: MtlsMode;
  readonly scope: Scope;
  readonly policy?: ObjectRef;
  readonly captured: boolean;
  readonly mtls: boolean;
  readonly plaintext: boolean;
  readonly protocol: ProtocolClass;
  readonly #decided: EffectiveMode;

  constructor(
    workload: Workload,
    port: number,
    decided: EffectiveMode,
    facts: Pick<Inbound, 'captured' | 'mtls' | 'plaintext' | 'protocol'>,
  ) {
    this.workload = workload;
    this.port = port;
    this.mode = decided.mode;
    this.scope = decided.scope;
    if (decided.policy !== undefined) this.policy = decided.policy;
    this.captured = facts.captured;
    this.mtls = facts.mtls;
    this.plaintext = facts.plaintext;
    this.protocol = facts.protocol;
    this.#decided = decided;
  }

  get because(): readonly Reason[] {
    const capture = captureReasons(this.workload, this.port, this.captured);
    return this.captured ? [...capture, ...this.#decided.because] : capture;
  }
}

/** A mode whose reasons are worked out when they are read. */
class Decided implements EffectiveMode {
  readonly mode: MtlsMode;
  readonly scope: Scope;
  readonly policy?: ObjectRef;
  readonly #reasons: () => readonly Reason[];

  constructor(
    mode: MtlsMode,
    scope: Scope,
    policy: PeerAuthentication | undefined,
    reasons: () => readonly Reason[],
  ) {
    this.mode = mode;
    this.scope = scope;
    if (policy !== undefined) this.policy = policy.ref;
    this.#reasons = reasons;
  }

  get because(): readonly Reason[] {
    return this.#reasons();
  }
}

/** Whether a proxy that holds policies takes the connections to this port. */
function isCaptured(mesh: Mesh, workload: Workload, port: number): boolean {
  if (workload.dataplane === 'ambient') return !proxyPorts.has(port);
  if (workload.dataplane !== 'sidecar') return false;
  const capture = inboundCapture(workload.annotations, port);
  if (capture.captured) return true;
  if (capture.cause !== 'no-interception') return false;
  // Without interception the sidecar listens only where a Sidecar resource tells it to.
  const plane = controlPlaneOf(mesh, workload.revision);
  const sidecar = chooseSidecar(
    plane.sidecars,
    plane.config.rootNamespace,
    workload.namespace,
    workload.labels,
  );
  return sidecar?.ingress.some((listener) => listener.port === port) ?? false;
}

/** What becomes of a connection that arrives at the port. */
export function arrival(mesh: Mesh, workload: Workload, port: number, wire: Wire): ChainOutcome {
  const at = inbound(mesh, workload, port);
  if (!at.captured) return uncapturedOutcome(wire);
  if (workload.dataplane === 'ambient') {
    // To ztunnel everything that is not its own tunnel is plaintext, an application's TLS included.
    if (wire === 'istio-mtls') return 'mtls';
    return at.mode === 'STRICT' ? 'refused' : wire;
  }
  return chainOutcome(at.mode, at.protocol, wire);
}

/** TCP ports that the containers declare, the proxy's own left out, ascending. */
export function containerPorts(workload: Workload): readonly number[] {
  const ports = new Set<number>();
  for (const port of workload.ports) {
    if (port.container !== 'istio-proxy' && port.protocol === 'TCP') ports.add(port.port);
  }
  return [...ports].sort((a, b) => a - b);
}

/** The ports that a workload's containers declare (TCP, the proxy's own left out) and those that Services send to it, ascending. */
export function portsOf(mesh: Mesh, workload: Workload): readonly number[] {
  const memo = mesh.index.memo.ports;
  const ports = memo.get(workload) ?? findPorts(mesh, workload);
  memo.set(workload, ports);
  return ports;
}

function findPorts(mesh: Mesh, workload: Workload): readonly number[] {
  const ports = new Set(containerPorts(workload));
  for (const [port, declared] of declaredPorts(mesh, workload))
    if (declared.protocol !== 'UDP') ports.add(port);
  return [...ports].sort((a, b) => a - b);
}
