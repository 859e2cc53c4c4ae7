import { expect, test } from 'vitest';
import { buildMesh } from '../mesh/mesh.ts';
import { postureTables } from './posture-tables.ts';

test('a server that is no workload is told by its address', () => {
  const origin = { source: 'test' };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'cart', namespace: 'shop', labels: { app: 'cart' } } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ext', namespace: 'shop' },
      spec: { clusterIP: '10.0.0.1', ports: [{ port: 443, targetPort: 6443 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'ext-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'ext' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['203.0.113.7'], conditions: { ready: true } }],
      ports: [{ port: 6443, protocol: 'TCP', name: '' }],
    },
  ];
  const mesh = buildMesh({
    source: 'test',
    objects: objects.map((object) => ({ object, origin })),
    unseen: [],
  });
  expect(postureTables(mesh, {}, { color: false, width: 80 })).toContain('203.0.113.7:6443');
});
