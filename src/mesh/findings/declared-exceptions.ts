/** Policies that let plaintext in, as they count: the field that says so, and the workloads and ports for which it decides. */
import type { MtlsMode, PeerAuthentication } from '../../istio/peer-authentication.ts';
import { composedMode } from '../inbound.ts';
import type { Mesh, Read } from '../mesh.ts';
import type { Workload } from '../workload.ts';

export interface DeclaredException {
  readonly policy: Read<PeerAuthentication>;
  readonly scope: 'mesh' | 'namespace' | 'workload' | 'port';
  /** Only in port scope. */
  readonly port?: number;
  readonly field: string;
  /** Workloads behind a proxy whose mode this field decides. */
  readonly workloads: readonly Workload[];
}

/** Every field that sets `mode` and decides for at least one workload. Ignored policies and policies for nothing are not here. */
export function declaredExceptions(mesh: Mesh, mode: MtlsMode): readonly DeclaredException[] {
  const found = new Map<string, DeclaredException & { readonly workloads: Workload[] }>();
  const add = (exception: Omit<DeclaredException, 'workloads'>, workload: Workload): void => {
    const key = `${exception.policy.namespace}/${exception.policy.name}/${exception.field}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { ...exception, workloads: [workload] });
    else known.workloads.push(workload);
  };
  for (const workload of mesh.workloads) {
    if (workload.dataplane !== 'sidecar' && workload.dataplane !== 'ambient') continue;
    const composed = composedMode(mesh, workload);
    for (const { scope, policy } of composed.levels) {
      if (scope === composed.scope && composed.mode === mode)
        add({ policy, scope, field: 'spec.mtls.mode' }, workload);
      if (scope !== 'workload') continue;
      for (const [port, { declared }] of composed.ports) {
        if (declared === mode)
          add({ policy, scope: 'port', port, field: `spec.portLevelMtls.${port}.mode` }, workload);
      }
    }
  }
  return [...found.values()];
}

/** What the exception is for, in words: `all of namespace shop`, `port 8080 of 2 workloads`. */
export function exceptionReach({ scope, policy, port, workloads }: DeclaredException): string {
  const number = `${workloads.length} ${workloads.length === 1 ? 'workload' : 'workloads'}`;
  switch (scope) {
    case 'mesh':
      return `the mesh (${number} without a policy of ${workloads.length === 1 ? 'its' : 'their'} own)`;
    case 'namespace':
      return `namespace ${policy.namespace} (${number})`;
    case 'workload':
      return number;
    case 'port':
      return `port ${port} of ${number}`;
  }
}
