/** Ports whose server speaks first: in plaintext they hang as soon as a sidecar has to tell plaintext from mutual TLS. */
import { isServerFirst, portProtocol } from '../../istio/protocol.ts';
import { servicesOf } from '../../mesh/findings/services-of.ts';
import { workloadRef } from '../../mesh/findings/wording.ts';
import type { Breaker, BreakerInput } from '../breaker.ts';
import { willHaveSidecar } from '../strict-ports.ts';

export function serverFirst({ namespace, target }: BreakerInput): readonly Breaker[] {
  return target.workloads
    .filter((workload) => workload.namespace === namespace && willHaveSidecar(target, workload))
    .flatMap((workload) => {
      const seen = new Set<number>();
      return servicesOf(target, workload).flatMap(({ service, port, targetPort }): readonly Breaker[] => {
        if (targetPort === undefined || seen.has(targetPort)) return [];
        if (!isServerFirst(portProtocol(port), targetPort)) return [];
        seen.add(targetPort);
        return [
          {
            kind: 'server-first',
            certainty: 'may-break',
            message: `${workload.kind} ${namespace}/${workload.name} speaks first on port ${targetPort}.`,
            why: 'A client without a sidecar hangs there under PERMISSIVE already, while the sidecar waits for its first bytes; PERMISSIVE is no exception for it. Clients with a sidecar are not concerned.',
            resource: workloadRef(workload),
            origin: service.origin ?? workload.origin,
            field: 'spec.template.spec.containers',
            remedy:
              'Give every client of this port a sidecar before the server gets one. Only DISABLE for the port lets plaintext clients in, and mesh clients then send plaintext, too.',
            exceptions: [],
          },
        ];
      });
    });
}
