/** Where STRICT is demanded, and how loudly: what a workload's policies ask for, whether or not a proxy is there to hold it. */

import type { PeerAuthentication } from '../../istio/peer-authentication.ts';
import { composedMode } from '../inbound.ts';
import type { Mesh, Read } from '../mesh.ts';
import type { Workload } from '../workload.ts';

export interface StrictDemand {
  /** The policy that demands it, for all ports or for one. */
  readonly policy: Read<PeerAuthentication>;
  /** Demanded for the mesh as a whole only: nobody named this namespace. */
  readonly meshWide: boolean;
  readonly field: string;
}

/** The STRICT that would hold for a workload with a proxy; undefined when none of its ports would be STRICT. */
export function strictDemand(mesh: Mesh, workload: Workload): StrictDemand | undefined {
  const { mode, scope, levels, ports } = composedMode(mesh, workload);
  const decider = levels.find((level) => level.scope === scope);
  if (mode === 'STRICT' && decider !== undefined) {
    return { policy: decider.policy, meshWide: scope === 'mesh', field: 'spec.mtls.mode' };
  }
  const own = levels.find((level) => level.scope === 'workload');
  const port = [...ports].find(([, { declared }]) => declared === 'STRICT')?.[0];
  if (own === undefined || port === undefined) return undefined;
  return { policy: own.policy, meshWide: false, field: `spec.portLevelMtls.${port}.mode` };
}
