/** Callers of the namespace itself that have no sidecar when they call: Jobs, init containers, pods on the host's network. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { injectionOf } from '../../mesh/findings/mesh-membership.ts';
import { objectsOf } from '../../mesh/findings/snapshot-objects.ts';
import { list, workloadRef } from '../../mesh/findings/wording.ts';
import { portsOf } from '../../mesh/inbound.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asObjects, asText, dig } from '../../sources/json-value.ts';
import type { Breaker, BreakerInput } from '../breaker.ts';
import { willHaveSidecar, wouldRefusePlaintext } from '../strict-ports.ts';
import { isDeclared } from './scrapes.ts';

const refusedByStrict =
  'What it sends to workloads behind sidecars is plaintext, and STRICT refuses it. Whether it calls any is not in its configuration.';

/** Jobs, CronJobs and other workloads that have no sidecar, and that injection would not give one. */
export function bareWorkloads({ namespace, target }: BreakerInput): readonly Breaker[] {
  return target.workloads
    .filter((workload) => workload.namespace === namespace && workload.dataplane === 'none')
    .filter(({ from }) => from !== 'workload-entry')
    .flatMap((workload): readonly Breaker[] => {
      const isJob = workload.kind === 'Job' || workload.kind === 'CronJob';
      if (!isJob && willHaveSidecar(target, workload) && !workload.hostNetwork) return [];
      const text = `${workload.kind} ${namespace}/${workload.name}`;
      const { injected } = injectionOf(target, workload);
      return [
        {
          kind: isJob ? 'job' : workload.hostNetwork ? 'host-network' : 'no-sidecar',
          certainty: 'may-break',
          message: workload.hostNetwork
            ? `${text} runs in its node’s network, outside the mesh.`
            : `${text} has no sidecar${isJob && injected ? ' in its pods so far' : ''}.`,
          why: refusedByStrict,
          resource: workloadRef(workload),
          origin: workload.origin,
          field: workload.hostNetwork ? 'spec.template.spec.hostNetwork' : 'spec.template.metadata',
          remedy: workload.hostNetwork
            ? 'Take it off the host’s network where it needs not be there; else keep the one port that it calls PERMISSIVE.'
            : `Give it a sidecar (label sidecar.istio.io/inject=true${isJob ? '; only native sidecars let its pods end' : ''}), or keep the one port that it calls PERMISSIVE.`,
          exceptions: [],
        },
      ];
    });
}

/** Containers that run before the sidecar does. A native sidecar comes first and serves the init containers after it. */
export function initContainers({ namespace, target }: BreakerInput): readonly Breaker[] {
  const seen = new Set<string>();
  return target.workloads
    .filter((workload) => workload.namespace === namespace && willHaveSidecar(target, workload))
    .flatMap((workload): readonly Breaker[] => {
      const names = earlyContainers(target, workload);
      const text = `${workload.kind} ${namespace}/${workload.name}`;
      if (names.length === 0 || seen.has(text)) return [];
      seen.add(text);
      return [
        {
          kind: 'init-container',
          certainty: 'may-break',
          message: `${text} has init containers that run before its sidecar: ${list(names)}.`,
          why: 'What an init container calls it calls in plaintext, or not at all, because its traffic is led to a sidecar that does not run yet. STRICT refuses the plaintext.',
          resource: workloadRef(workload),
          origin: workload.origin,
          field: 'spec.template.spec.initContainers',
          remedy:
            'Use native sidecars (Kubernetes 1.29, Istio’s ENABLE_NATIVE_SIDECARS), or let the container do its work in the application; it matters only if it calls services of the mesh.',
          exceptions: [],
        },
      ];
    });
}

function earlyContainers(mesh: Mesh, workload: Workload): readonly string[] {
  const [object] = objectsOf(mesh.snapshot, workload);
  const spec = podSpecOf(object, workload);
  const all = asObjects(dig(spec, 'initContainers'));
  const native = all.findIndex(
    ({ name, restartPolicy }) => name === 'istio-proxy' && restartPolicy === 'Always',
  );
  const before = native === -1 ? all : all.slice(0, native);
  return before
    .map((container) => asText(container.name) ?? '')
    .filter((name) => !/^istio-(init|validation|proxy)$/.test(name) && name !== 'enable-core-dump');
}

function podSpecOf(object: KubeObject | undefined, workload: Workload): unknown {
  if (workload.from === 'pods') return object?.spec;
  const spec = workload.kind === 'CronJob' ? dig(object, 'spec', 'jobTemplate', 'spec') : object?.spec;
  return dig(spec, 'template', 'spec');
}

/**
 * Members of a StatefulSet find each other by address. On ports that a Service declares their sidecars use mutual TLS; on others
 * a call to a pod's address is passed through in plaintext.
 */
export function statefulPeers({ namespace, target }: BreakerInput): readonly Breaker[] {
  return target.workloads
    .filter((workload) => workload.namespace === namespace && workload.kind === 'StatefulSet')
    .flatMap((workload): readonly Breaker[] => {
      const open = portsOf(target, workload).filter(
        (port) => !isDeclared(target, workload, port) && wouldRefusePlaintext(target, workload, port),
      );
      if (open.length === 0) return [];
      const ports = open.map(String).join(', ');
      return [
        {
          kind: 'headless',
          certainty: 'may-break',
          message: `StatefulSet ${namespace}/${workload.name} has ports that no Service declares: ${ports}.`,
          why: 'Its members (and others) that call each other there by pod address send plaintext, because no sidecar knows the port; STRICT refuses it.',
          resource: workloadRef(workload),
          origin: workload.origin,
          field: 'spec.template.spec.containers',
          remedy: `Declare the ${open.length === 1 ? 'port' : 'ports'} in its headless Service: sidecars then use mutual TLS there.`,
          exceptions: open.map((port) => ({ workload, port })),
        },
      ];
    });
}
