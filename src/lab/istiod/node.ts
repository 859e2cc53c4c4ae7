/** Envoy's node for a pod: who the proxy is, with the metadata that pilot-agent reports (pkg/bootstrap). */
import { isFields } from '../../istio/fields.ts';
import type { MeshConfig } from '../../istio/mesh-config.ts';
import { parsePod } from '../../istio/pod.ts';
import { istioVersion } from '../istio-version.ts';
import type { ProxyNode } from '../sidecar/proxy.ts';
import type { SidecarHost } from '../sidecar/sidecar.ts';
import { workloadMetadata } from './generate/workload-metadata.ts';
import { proxyConfigOf } from './injection/proxy-config-annotation.ts';

export function describeNode(host: SidecarHost, config: MeshConfig): ProxyNode {
  const pod = parsePod(host.pod);
  const workload = workloadMetadata(pod);
  const { name, namespace, serviceAccount } = pod;
  return {
    id: `sidecar~${host.ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    podName: name,
    namespace,
    serviceAccount,
    workload,
    metadata: {
      NAME: name,
      NAMESPACE: namespace,
      SERVICE_ACCOUNT: serviceAccount,
      WORKLOAD_NAME: workload.name,
      APP_CONTAINERS: pod.containers.filter((container) => container !== 'istio-proxy').join(','),
      CLUSTER_ID: workload.cluster,
      MESH_ID: config.trustDomain,
      INSTANCE_IPS: host.ip,
      ISTIO_VERSION: istioVersion,
      INTERCEPTION_MODE: 'REDIRECT',
      ENVOY_PROMETHEUS_PORT: 15090,
      ENVOY_STATUS_PORT: 15021,
      LABELS: pod.labels,
      ANNOTATIONS: pod.annotations,
      POD_PORTS: JSON.stringify(
        pod.ports
          .filter(({ container }) => container !== 'istio-proxy')
          .map(({ port, name: portName, protocol }) => ({
            ...(portName === '' ? {} : { name: portName }),
            containerPort: port,
            protocol,
          })),
      ),
      NODE_NAME: isFields(host.pod.spec) ? String(host.pod.spec.nodeName ?? '') : '',
      PROXY_CONFIG: {
        binaryPath: '/usr/local/bin/envoy',
        proxyAdminPort: 15000,
        discoveryAddress: 'istiod.istio-system.svc:15012',
        controlPlaneAuthPolicy: 'MUTUAL_TLS',
        statNameLength: 189,
        drainDuration: '45s',
        terminationDrainDuration: '5s',
        serviceCluster: 'istio-proxy',
        concurrency: 2,
        statusPort: 15020,
        configPath: './etc/istio/proxy',
        ...proxyConfigOf(pod.annotations),
      },
    },
  };
}
