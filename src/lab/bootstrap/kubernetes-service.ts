/** The `kubernetes` service leads from pods to the lab's own API server. */
import { connect } from 'node:net';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import type { Network } from '../net/network.ts';
import { splice } from '../net/splice.ts';
import { apiServerAddress } from './nodes.ts';

const securePort = 6443;

/** Attaches the API server's address and writes the endpoints. @returns the function that detaches it. */
export function publishKubernetesService(api: Api, network: Network, port: number): () => void {
  const detach = network.attach(
    apiServerAddress,
    (socket) => splice(socket, connect({ host: '127.0.0.1', port, allowHalfOpen: true })),
    (asked) => asked === securePort,
  );
  for (const [resource, object] of endpointObjects()) {
    const { namespace, name } = object.metadata;
    if (api.get(resource, namespace, name) === undefined) api.create(resource, object, 'kube-apiserver');
  }
  return detach;
}

function endpointObjects(): readonly (readonly [string, KubeObject])[] {
  const ports = [{ name: 'https', port: securePort, protocol: 'TCP' }];
  return [
    [
      'endpointslices.discovery.k8s.io',
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: 'kubernetes',
          namespace: 'default',
          labels: { 'kubernetes.io/service-name': 'kubernetes' },
        },
        addressType: 'IPv4',
        endpoints: [{ addresses: [apiServerAddress], conditions: { ready: true } }],
        ports,
      },
    ],
    [
      'endpoints',
      {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: {
          name: 'kubernetes',
          namespace: 'default',
          labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
        },
        subsets: [{ addresses: [{ ip: apiServerAddress }], ports }],
      },
    ],
  ];
}
