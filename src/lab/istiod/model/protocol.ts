/**
 * Which protocol istiod takes a Service port for (istio.io, "Protocol Selection"; pkg/config/kube/conversion.go): the
 * appProtocol, else what stands before the first dash of the port's name; ports that are well known for protocols where
 * the server speaks first are TCP when nothing is said.
 */

/** `AUTO`: the proxy looks at the first bytes. `HTTP2` stands for gRPC too. */
export type PortProtocol = 'HTTP' | 'HTTP2' | 'TCP' | 'AUTO' | 'UDP';

const byName: Readonly<Record<string, PortProtocol>> = {
  http: 'HTTP',
  http_proxy: 'HTTP',
  'grpc-web': 'HTTP2',
  http2: 'HTTP2',
  grpc: 'HTTP2',
  tcp: 'TCP',
  https: 'TCP',
  tls: 'TCP',
  mongo: 'TCP',
  redis: 'TCP',
  mysql: 'TCP',
  udp: 'UDP',
};

const byKubernetesName: Readonly<Record<string, PortProtocol>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'TCP',
};

/** SMTP, DNS, MySQL, MongoDB. */
const serverFirstPorts: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

export function kubernetesProtocol(port: {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}): PortProtocol {
  if (port.protocol === 'UDP') return 'UDP';
  const name = port.appProtocol ?? port.name;
  return byKubernetesName[name] ?? namedProtocol(name) ?? (serverFirstPorts.has(port.port) ? 'TCP' : 'AUTO');
}

/** A ServiceEntry or Sidecar port says its protocol outright. */
export function declaredProtocol(protocol: string, name: string): PortProtocol {
  return namedProtocol(protocol) ?? namedProtocol(name) ?? 'AUTO';
}

function namedProtocol(name: string): PortProtocol | undefined {
  const lower = name.toLowerCase();
  if (lower.startsWith('grpc-web')) return byName['grpc-web'];
  return byName[lower.split('-', 1)[0] ?? ''];
}

/** True where the proxy parses HTTP. */
export function isHttp(protocol: PortProtocol): boolean {
  return protocol === 'HTTP' || protocol === 'HTTP2';
}
