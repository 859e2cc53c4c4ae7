/**
 * Probes and lifecycle hooks that injection left as they were. In an injected pod a rewritten probe goes to the agent's port 15020;
 * one that still goes to the application's port is the kubelet's plaintext, whatever the reason (istio.io, "Health Checking of Istio Services").
 */
import { objectsOf } from '../../mesh/findings/snapshot-objects.ts';
import { list, workloadRef } from '../../mesh/findings/wording.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asNumber, asObjects, asText, dig, type JsonObject } from '../../sources/json-value.ts';
import type { Breaker, BreakerInput } from '../breaker.ts';
import { wouldRefusePlaintext } from '../strict-ports.ts';

const turnedOff = 'sidecar.istio.io/rewriteAppHTTPProbers';

/** Handlers that the kubelet calls over the network, with HTTP or gRPC. A TCP probe is accepted by any sidecar. */
const handlers: readonly (readonly [path: readonly string[], name: string])[] = [
  [['livenessProbe'], 'livenessProbe'],
  [['readinessProbe'], 'readinessProbe'],
  [['startupProbe'], 'startupProbe'],
  [['lifecycle', 'postStart'], 'postStart hook'],
  [['lifecycle', 'preStop'], 'preStop hook'],
];

export function unrewrittenProbes({ namespace, target }: BreakerInput): readonly Breaker[] {
  return target.workloads
    .filter((workload) => workload.namespace === namespace && workload.dataplane === 'sidecar')
    .flatMap((workload): readonly Breaker[] => {
      // Where the annotation says so, PL030 tells of it.
      if (workload.from !== 'pods' || workload.annotations[turnedOff] === 'false') return [];
      const [pod] = objectsOf(target.snapshot, workload);
      const found = asObjects(dig(pod, 'spec', 'containers'))
        .filter(({ name }) => name !== 'istio-proxy')
        .flatMap((container) => callsOf(container, workload))
        .filter(({ port }) => wouldRefusePlaintext(target, workload, port));
      if (found.length === 0) return [];
      return [
        {
          kind: 'probe',
          certainty: 'breaks',
          message: `${workload.kind} ${namespace}/${workload.name} has probes or hooks that injection did not rewrite: ${list(found.map(({ name }) => name))}.`,
          why: 'The kubelet calls them in plaintext, the sidecar refuses it, and the kubelet restarts a healthy container, takes it out of its Services, or skips its hook.',
          resource: workloadRef(workload),
          origin: workload.origin,
          field: 'spec.template.spec.containers',
          remedy:
            'Restart the pods if rewriting is on by now (values.sidecarInjectorWebhook.rewriteAppHTTPProbe); else use an exec probe, or keep this one port PERMISSIVE.',
          exceptions: [...new Set(found.map(({ port }) => port))].map((port) => ({ workload, port })),
        },
      ];
    });
}

function callsOf(
  container: JsonObject,
  workload: Workload,
): readonly { readonly name: string; readonly port: number }[] {
  return handlers.flatMap(([path, name]) => {
    const handler = dig(container, ...path);
    const asked = dig(handler, 'httpGet', 'port') ?? dig(handler, 'grpc', 'port');
    const port = asNumber(asked) ?? workload.ports.find((one) => one.name !== '' && one.name === asked)?.port;
    return port === undefined
      ? []
      : [{ name: `${name} of container ${asText(container.name) ?? ''} (port ${port})`, port }];
  });
}
