import { expect, test } from 'vitest';
import { meshOf } from '../../mesh/findings/testing/manifests.ts';
import { addressBook } from './address-book.ts';

const yaml = `
apiVersion: v1
kind: Node
metadata: { name: worker-1 }
spec: { podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24, "fd00:1::/64"] }
status: { addresses: [{ type: InternalIP, address: 172.18.0.3 }, { type: Hostname, address: worker-1 }] }
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: cart-5d8f, namespace: shop, ownerReferences: [{ apiVersion: apps/v1, kind: Deployment, name: cart, uid: u, controller: true }] }
---
apiVersion: v1
kind: Pod
metadata: { name: cart-5d8f-x, namespace: shop, ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: cart-5d8f, uid: u, controller: true }] }
spec: { containers: [{ name: c, image: c }] }
status: { phase: Running, podIP: 10.244.1.7, podIPs: [{ ip: 10.244.1.7 }, { ip: "fd00:1::7" }], startTime: "2026-11-24T10:00:00Z" }
---
apiVersion: batch/v1
kind: Job
metadata: { name: nightly-29400000, namespace: shop, ownerReferences: [{ apiVersion: batch/v1, kind: CronJob, name: nightly, uid: u, controller: true }] }
---
apiVersion: v1
kind: Pod
metadata: { name: nightly-29400000-y, namespace: shop, ownerReferences: [{ apiVersion: batch/v1, kind: Job, name: nightly-29400000, uid: u, controller: true }] }
spec: { containers: [{ name: c, image: c }] }
status: { phase: Succeeded, podIP: 10.244.1.7, startTime: "2026-11-24T09:00:00Z", containerStatuses: [{ name: c, state: { terminated: { finishedAt: "2026-11-24T09:05:00Z" } } }] }
---
apiVersion: v1
kind: Pod
metadata: { name: agent-z, namespace: ops, ownerReferences: [{ apiVersion: apps/v1, kind: DaemonSet, name: agent, uid: u, controller: true }] }
spec: { hostNetwork: true, nodeName: worker-1, containers: [{ name: c, image: c }] }
status: { phase: Running, podIP: 172.18.0.3 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: kubernetes, namespace: default, labels: { kubernetes.io/service-name: kubernetes } }
addressType: IPv4
endpoints: [{ addresses: [172.18.0.2] }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: legacy-1, namespace: shop, labels: { kubernetes.io/service-name: legacy } }
addressType: IPv4
endpoints: [{ addresses: [192.168.7.7] }]
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: vm, namespace: shop }
spec: { address: 192.168.7.8, serviceAccount: vm }
`;

const book = addressBook([meshOf(yaml)]);
const at = (time: string): number => Date.parse(time);

test.each([
  ['10.244.1.7', '2026-11-24T12:00:00Z', 'workload', 'Deployment cart'],
  ['fd00:1::7', '2026-11-24T12:00:00Z', 'workload', 'Deployment cart'],
  // The Job had the address before the Deployment's pod.
  ['10.244.1.7', '2026-11-24T09:02:00Z', 'workload', 'CronJob nightly'],
  ['10.244.1.7', '2026-11-24T09:30:00Z', 'address', '10.244.1.7'],
  ['172.18.0.3', undefined, 'node', 'node worker-1'],
  ['10.244.1.1', undefined, 'node', 'node worker-1'],
  ['10.244.1.9', undefined, 'address', '10.244.1.9'],
  ['172.18.0.2', undefined, 'api-server', 'API server'],
  ['192.168.7.7', undefined, 'endpoint', 'Service legacy'],
  ['192.168.7.8', undefined, 'endpoint', 'WorkloadEntry vm'],
  ['203.0.113.5', undefined, 'address', '203.0.113.5'],
])('%s at %s is %s %s', (address, time, kind, name) => {
  expect(book.resolve(address, time === undefined ? undefined : at(time))).toMatchObject({ kind, name });
});

test('a node says which pods share its address, and a gone pod is told as one', () => {
  expect(book.resolve('172.18.0.3').because).toMatch(/pods in its network: ops\/DaemonSet agent/);
  expect(book.resolve('10.244.1.9').because).toBe('a pod of node worker-1 had it that is gone');
  expect(book.resolve('203.0.113.5').because).toMatch(/^no pod, node/);
});

test('where pods of other namespaces may not be listed, an address is not said to be nobody’s', () => {
  const blind = addressBook([meshOf(`# unseen: pods because not allowed\n${yaml}`)]);
  expect(blind.resolve('10.244.1.9').because).toMatch(/or in a namespace whose pods may not be listed/);
  expect(blind.resolve('203.0.113.5').because).toMatch(/^nobody has it who may be seen/);
});
