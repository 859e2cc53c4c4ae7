/**
 * The node's network, in a network namespace of its own that has no way out of the machine: each pod is a network
 * namespace at the end of a veth pair with a route to it, as Calico lays it, so that kube-proxy's rules see all traffic.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The node's own address: where the API server, the DNS server and probes are. */
export const nodeAddress = '10.244.0.1';
export const podRange = '10.244.0.0/16';

/** Any address: each pod's veth answers for it (proxy ARP). */
const gateway = '169.254.1.1';

/** Prepares the namespace that this process is in. Refuses to touch one that reaches anything. */
export async function setUpNode(): Promise<void> {
  const { stdout } = await run('ip', ['-json', 'link']);
  const links: unknown = JSON.parse(stdout);
  const names = Array.isArray(links) ? links.map((link: { readonly ifname?: string }) => link.ifname) : [];
  if (names.some((name) => name !== 'lo' && !/^(ifb|sit|tunl|gre|dummy|node)/.test(name ?? ''))) {
    throw new Error(`the mesh wants a network namespace of its own, this one has ${names.join(', ')}`);
  }
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('ip', ['link', 'add', 'node', 'type', 'veth', 'peer', 'name', 'nowhere']);
  await run('ip', ['link', 'set', 'nowhere', 'up']);
  await run('ip', ['addr', 'add', `${nodeAddress}/32`, 'dev', 'node']);
  await run('ip', ['link', 'set', 'node', 'up']);
  // Services' addresses need a route before kube-proxy's rules are asked. The device leads nowhere.
  await run('ip', ['route', 'add', 'default', 'dev', 'node', 'src', nodeAddress]);
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  await run('mkdir', ['-p', '/run/netns']);
  await run('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
}

/** @returns the path of the pod's network namespace */
export async function addPodNetwork(name: string, ip: string): Promise<string> {
  const device = `pod${ip.split('.').slice(2).join('x')}`;
  const inPod = (...args: readonly string[]) => run('ip', ['-netns', name, ...args]);
  await run('ip', ['netns', 'add', name]);
  await run('ip', ['link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  await writeFile(`/proc/sys/net/ipv4/conf/${device}/proxy_arp`, '1');
  await run('ip', ['link', 'set', device, 'up']);
  await inPod('link', 'set', 'lo', 'up');
  await inPod('addr', 'add', `${ip}/32`, 'dev', 'eth0');
  await inPod('link', 'set', 'eth0', 'up');
  await inPod('route', 'add', gateway, 'dev', 'eth0', 'scope', 'link');
  await inPod('route', 'add', 'default', 'via', gateway, 'dev', 'eth0');
  await run('ip', ['route', 'add', `${ip}/32`, 'dev', device]);
  return `/run/netns/${name}`;
}

export async function removePodNetwork(name: string): Promise<void> {
  await run('ip', ['netns', 'delete', name]);
}
