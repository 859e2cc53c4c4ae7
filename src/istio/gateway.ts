/** Istio's Gateway: which proxies at the edge serve which hosts, and what their servers demand. */
import { FieldReader, type StringMap } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';

export interface GatewayServer {
  readonly port: number;
  readonly protocol: string;
  readonly hosts: readonly string[];
  /** `SIMPLE`, `MUTUAL`, `ISTIO_MUTUAL`, `PASSTHROUGH`, `AUTO_PASSTHROUGH`, ...; absent for plaintext servers. */
  readonly tlsMode?: string;
}

export interface Gateway extends Parsed {
  /** Labels of the proxies that serve it. */
  readonly selector: StringMap;
  readonly servers: readonly GatewayServer[];
}

export function parseGateway(object: KubeObject): Gateway {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  return {
    ...parsed,
    selector: reader.stringMap(spec.selector, 'spec.selector'),
    servers: reader.list(spec.servers, 'spec.servers').flatMap((item, index) => {
      const field = `spec.servers[${index}]`;
      const server = reader.fields(item, field);
      const port = reader.fields(server.port, `${field}.port`);
      const number = reader.port(port.number, `${field}.port.number`);
      if (number === undefined) return [];
      const tls = reader.optionalFields(server.tls, `${field}.tls`);
      const mode =
        tls === undefined ? undefined : (reader.string(tls.mode, `${field}.tls.mode`) ?? 'PASSTHROUGH');
      return [
        {
          port: number,
          protocol: reader.string(port.protocol, `${field}.port.protocol`) ?? '',
          hosts: reader.strings(server.hosts, `${field}.hosts`),
          ...(mode === undefined ? {} : { tlsMode: mode }),
        },
      ];
    }),
  };
}

/** A VirtualService's gateway name in full: `NAMESPACE/NAME`, or `mesh`. */
export function gatewayKey(name: string, namespace: string): string {
  if (name === 'mesh') return name;
  const slash = name.indexOf('/');
  if (slash >= 0) return name.startsWith('./') ? `${namespace}/${name.slice(2)}` : name;
  // The old form: a gateway named like a host, NAME.NAMESPACE.svc.cluster.local.
  const [short = '', space] = name.split('.');
  return space === undefined ? `${namespace}/${name}` : `${space}/${short}`;
}
