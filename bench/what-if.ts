/** One changed policy in a loaded mesh of 10,000 pods: the change, and every port and edge that differs by it. */
import { Bench as Tinybench } from 'tinybench';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { diffMeshes } from '../src/mesh/diff.ts';
import { edgesTo } from '../src/mesh/edge.ts';
import { inbound, portsOf } from '../src/mesh/inbound.ts';
import { buildMesh, type Mesh } from '../src/mesh/mesh.ts';
import { withChange } from '../src/mesh/what-if.ts';
import { meshObjects, meshOrigin, policy } from './mesh-objects.ts';
import type { Part } from './part.ts';

export const whatIfPart: Part = {
  name: 'what-if',
  brief: 'one changed policy in a loaded mesh of 10,000 pods, re-evaluated and compared',
  async run(bench) {
    const mesh = loadedMesh();
    for (const [what, object] of changes) {
      // A changed Mesh shares what the change does not touch, so each round starts from the same loaded one.
      const counts = diffMeshes(mesh, withChange(mesh, { apply: [object] }));
      const tiny = new Tinybench({ time: 1000, warmupTime: 300 });
      tiny.add(what, () => {
        diffMeshes(mesh, withChange(mesh, { apply: [object] }));
      });
      await tiny.run();
      const result = tiny.tasks[0]?.result;
      if (result === undefined || !('latency' in result)) throw new Error(`${what}: no result`);
      const { latency } = result;
      bench.say(
        `${what}: ${latency.p50.toFixed(2)} ms median, ${latency.p99.toFixed(2)} ms p99 (${latency.samplesCount} rounds); ${counts.ports.length} ports and ${counts.edges.length} edges change`,
      );
      // A policy of the whole mesh changes the answers of the whole mesh.
      if (object.metadata.namespace !== 'istio-system') bench.target(what, latency.p50, 10, 'ms');
    }
  },
};

const at = (name: string, namespace: string, spec: Readonly<Record<string, unknown>>): KubeObject =>
  policy(name, namespace, spec) as KubeObject;

const changes: readonly (readonly [what: string, object: KubeObject])[] = [
  ['a namespace to PERMISSIVE', at('default', 'team-007', { mtls: { mode: 'PERMISSIVE' } })],
  ['a namespace to DISABLE', at('default', 'team-007', { mtls: { mode: 'DISABLE' } })],
  ['the mesh to STRICT', at('default', 'istio-system', { mtls: { mode: 'STRICT' } })],
  [
    'one port of a workload to DISABLE',
    at('svc-03', 'team-007', {
      selector: { matchLabels: { app: 'svc-03' } },
      mtls: { mode: 'STRICT' },
      portLevelMtls: { 9090: { mode: 'DISABLE' } },
    }),
  ],
  [
    'a DestinationRule for one service',
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'svc-03', namespace: 'team-007', creationTimestamp: meshOrigin },
      spec: {
        host: 'svc-03.team-007.svc.cluster.local',
        trafficPolicy: { tls: { mode: 'DISABLE' } },
      },
    },
  ],
];

/** The mesh with every answer given once, as it is in a dashboard or a plan that is open. */
function loadedMesh(): Mesh {
  const objects = [...meshObjects(10_000, 'short')].map((object) => ({
    object: object as KubeObject,
    origin: { source: 'bench' },
  }));
  const mesh = buildMesh({ source: 'bench', objects, unseen: [] });
  for (const workload of mesh.workloads) {
    for (const port of portsOf(mesh, workload)) inbound(mesh, workload, port);
  }
  for (const host of mesh.hosts.keys()) edgesTo(mesh, host);
  return mesh;
}
