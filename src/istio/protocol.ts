/**
 * The protocol of a Service port, as Istio reads it: `appProtocol` first, then the port's name up to its first dash, then a few
 * well-known numbers; otherwise it is detected from the first bytes (istio.io, "Protocol Selection").
 */

export type PortProtocol =
  | 'HTTP'
  | 'HTTP2'
  | 'GRPC'
  | 'GRPC-Web'
  | 'HTTPS'
  | 'TLS'
  | 'TCP'
  | 'Mongo'
  | 'Redis'
  | 'MySQL'
  | 'UDP'
  | 'auto';

/** How a sidecar treats a port: as HTTP, as bytes, or by looking at the first of them. */
export type ProtocolClass = 'HTTP' | 'TCP' | 'auto';

const names: ReadonlyMap<string, PortProtocol> = new Map([
  ['http', 'HTTP'],
  ['http_proxy', 'HTTP'],
  ['http2', 'HTTP2'],
  ['grpc', 'GRPC'],
  ['grpc-web', 'GRPC-Web'],
  ['https', 'HTTPS'],
  ['tls', 'TLS'],
  ['tcp', 'TCP'],
  ['mongo', 'Mongo'],
  ['redis', 'Redis'],
  ['mysql', 'MySQL'],
  ['udp', 'UDP'],
]);

/** Values of `appProtocol` that Kubernetes itself defines. */
const kubernetesNames: ReadonlyMap<string, PortProtocol> = new Map([
  ['kubernetes.io/h2c', 'HTTP2'],
  ['kubernetes.io/ws', 'HTTP'],
  ['kubernetes.io/wss', 'HTTPS'],
]);

/** Server-first and the like: bytes, even where nothing is declared. SMTP, DNS, MySQL, MongoDB. */
const wellKnownTcp: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** Protocols whose server speaks first: a plaintext client hangs where the sidecar waits for the client's first bytes. */
const serverFirstPorts: ReadonlySet<number> = new Set([21, 22, 25, 110, 143, 587, 3306]);

export interface DeclaredPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

export function portProtocol(port: DeclaredPort): PortProtocol {
  if (port.protocol === 'UDP') return 'UDP';
  if (port.appProtocol !== undefined) {
    const known = kubernetesNames.get(port.appProtocol);
    if (known !== undefined) return known;
  }
  const name = port.appProtocol ?? port.name;
  const declared = byName(name);
  if (declared !== undefined) return declared;
  return wellKnownTcp.has(port.port) ? 'TCP' : 'auto';
}

function byName(name: string): PortProtocol | undefined {
  const lower = name.toLowerCase();
  // Compared as a prefix before the name is cut at its first dash, since it has a dash of its own.
  if (lower.startsWith('grpc-web')) return 'GRPC-Web';
  return names.get(lower.split('-')[0] ?? '');
}

export function protocolClass(protocol: PortProtocol): ProtocolClass {
  switch (protocol) {
    case 'HTTP':
    case 'HTTP2':
    case 'GRPC':
    case 'GRPC-Web':
      return 'HTTP';
    case 'auto':
      return 'auto';
    default:
      return 'TCP';
  }
}

/** True when the port's server greets first, judged by protocol and number. */
export function isServerFirst(protocol: PortProtocol, port: number): boolean {
  return protocol === 'MySQL' || (protocolClass(protocol) !== 'HTTP' && serverFirstPorts.has(port));
}
