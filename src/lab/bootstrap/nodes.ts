/** The lab's nodes as objects: ready, with room, and the addresses that their pods get. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { LabNode } from '../kubelet/node-environment.ts';
import { podCidr } from '../kubelet/pod-addresses.ts';

/** The Kubernetes version that the nodes report. Native sidecars are on by default from 1.29, Istio uses them from 1.33. */
export const kubeletVersion = 'v1.33.0-lab';

/** Nodes `lab-node-1` and on, with addresses as kind gives them. */
export function labNodes(count: number): readonly LabNode[] {
  return Array.from({ length: count }, (_unused, index) => ({
    name: `lab-node-${index + 1}`,
    ip: `172.18.0.${index + 3}`,
    index,
  }));
}

/** Where the API server calls from: a host that is no node and in no mesh. */
export const apiServerAddress = '172.18.0.2';

/** Where the API server finds the kubelet of a node. */
export interface KubeletEndpoint {
  readonly port: number;
  /** True: the API server hands WebSockets on as they are (1.36 and newer); else it makes SPDY of them. */
  readonly webSockets: boolean;
}

/**
 * @param now RFC 3339 in seconds
 * @param kubelet absent where the API server needs no address to find it
 */
export function nodeObject(node: LabNode, now: string, kubelet?: KubeletEndpoint): KubeObject {
  const condition = (type: string, status: string, reason: string, message: string): object => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  const capacity = { cpu: '8', memory: '16Gi', pods: '8000', 'ephemeral-storage': '100Gi' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: {
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/region': 'lab',
        'topology.kubernetes.io/zone': `lab-${node.index + 1}`,
      },
    },
    spec: { podCIDR: podCidr(node.index), podCIDRs: [podCidr(node.index)], providerID: `lab://${node.name}` },
    status: {
      addresses: [
        { type: 'InternalIP', address: node.ip },
        { type: 'Hostname', address: node.name },
      ],
      ...(kubelet === undefined
        ? {}
        : {
            daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
            ...(kubelet.webSockets ? { declaredFeatures: ['ExtendWebSocketsToKubelet'] } : {}),
          }),
      capacity,
      allocatable: capacity,
      conditions: [
        condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
        ),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
      nodeInfo: {
        architecture: 'amd64',
        bootID: '',
        containerRuntimeVersion: 'padlock-lab://1',
        kernelVersion: 'none',
        kubeProxyVersion: kubeletVersion,
        kubeletVersion,
        machineID: '',
        operatingSystem: 'linux',
        osImage: 'Padlock lab (in one process)',
        systemUUID: '',
      },
    },
  };
}
