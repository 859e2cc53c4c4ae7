/** What a workload's port accepts: the effective mode, and what its proxy makes of it. */

import type { ObjectRef } from '../istio/kubernetes.ts';
import type { MtlsMode } from '../istio/peer-authentication.ts';
import type { Mesh } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Workload } from './workload.ts';

/** The level whose policy decided. */
export type Scope = 'default' | 'mesh' | 'namespace' | 'workload' | 'port';

export interface EffectiveMode {
  readonly mode: MtlsMode;
  readonly scope: Scope;
  /** The policy that decided; absent for the default. */
  readonly policy?: ObjectRef;
  readonly because: readonly Reason[];
}

/** PeerAuthentication's answer for one workload port, whether or not a proxy is there to hold it. */
export function effectiveMode(_mesh: Mesh, _workload: Workload, _port: number): EffectiveMode {
  throw new Error('in progress');
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
}

/** What really happens at a workload's port: mode, capture, and filter chains. Computed once for each workload and port. */
export function inbound(_mesh: Mesh, _workload: Workload, _port: number): Inbound {
  throw new Error('in progress');
}

/** The ports that a workload's containers declare (TCP, the proxy's own left out) and those that Services send to it, ascending. */
export function portsOf(_mesh: Mesh, _workload: Workload): readonly number[] {
  throw new Error('in progress');
}
