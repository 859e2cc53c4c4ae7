/**
 * Which of a pod's connections go through its sidecar: the rules that `istio-init` (or the CNI plug-in) would give
 * the kernel, from the pod's annotations. See istio.io, "Resource Annotations", traffic.sidecar.istio.io.
 */
import { BlockList, isIPv4 } from 'node:net';
import type { PodObject } from '../kinds/pod.ts';
import type { Endpoint } from '../net/network.ts';

export interface Capture {
  /** A connection from the network to this port of the pod. */
  inbound(port: number): boolean;
  /** A connection of an application container to this address; the proxy's own user is never captured. */
  outbound(to: Endpoint): boolean;
}

/** Ports of the sidecar itself, always left out. */
const sidecarPorts: ReadonlySet<number> = new Set([15020, 15021, 15090]);

export function captureOf(pod: PodObject): Capture {
  const annotations = pod.metadata.annotations ?? {};
  const of = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  if (annotations['sidecar.istio.io/interceptionMode'] === 'NONE') {
    return { inbound: () => false, outbound: () => false };
  }
  const includeIn = of('includeInboundPorts') ?? '*';
  const excludeIn = ports(of('excludeInboundPorts'));
  const includeOutPorts = ports(of('includeOutboundPorts'));
  const excludeOutPorts = ports(of('excludeOutboundPorts'));
  const includeRanges = of('includeOutboundIPRanges') ?? '*';
  const inRanges = ranges(includeRanges);
  const outRanges = ranges(of('excludeOutboundIPRanges'));
  const listedIn = ports(includeIn);
  return {
    inbound(port) {
      if (sidecarPorts.has(port)) return false;
      // With a list of ports the exclusions are not looked at.
      return includeIn.trim() === '*' ? !excludeIn.has(port) : listedIn.has(port);
    },
    outbound({ ip, port }) {
      if (excludeOutPorts.has(port) || outRanges.check(ip)) return false;
      if (includeOutPorts.has(port)) return true;
      return includeRanges.trim() === '*' || inRanges.check(ip);
    },
  };
}

function ports(list: string | undefined): ReadonlySet<number> {
  return new Set(
    (list ?? '')
      .split(',')
      .map((item) => Number(item.trim()))
      .filter((port) => port > 0),
  );
}

/** IPv4 CIDRs; anything else in the list is left out, as an injector that validated it would have. */
function ranges(list: string | undefined): BlockList {
  const blocks = new BlockList();
  for (const item of (list ?? '').split(',')) {
    const [address = '', bits = '32'] = item.trim().split('/');
    if (isIPv4(address) && /^\d+$/.test(bits) && Number(bits) <= 32)
      blocks.addSubnet(address, Number(bits), 'ipv4');
  }
  return blocks;
}
