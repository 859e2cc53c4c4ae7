/** EndpointSlices: the addresses behind a Service, as the cluster sees them now. */
import { FieldReader, isFields } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  /** Unknown counts as ready (Kubernetes, EndpointSlice conditions). */
  readonly ready: boolean;
  readonly terminating: boolean;
  /** The pod behind it, when a pod is behind it. */
  readonly pod?: { readonly name: string; readonly namespace: string };
}

export interface EndpointSlice extends Parsed {
  /** The Service's name; empty for a slice that belongs to none. */
  readonly service: string;
  readonly addressType: string;
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

export function parseEndpointSlice(object: KubeObject): EndpointSlice {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  return {
    ...parsed,
    service: parsed.labels['kubernetes.io/service-name'] ?? '',
    addressType: reader.string(object.addressType, 'addressType') ?? 'IPv4',
    endpoints: reader
      .list(object.endpoints, 'endpoints')
      .map(
        (item, index) =>
          plainEndpoint(item, parsed.namespace) ??
          parseEndpoint(item, `endpoints[${index}]`, reader, parsed.namespace),
      ),
    ports: reader.list(object.ports, 'ports').flatMap((item, index) => {
      const field = `ports[${index}]`;
      const entry = reader.fields(item, field);
      const port = reader.port(entry.port, `${field}.port`);
      if (port === undefined) return [];
      return [
        {
          name: reader.string(entry.name, `${field}.name`) ?? '',
          port,
          protocol: reader.string(entry.protocol, `${field}.protocol`) ?? 'TCP',
        },
      ];
    }),
  };
}

/**
 * An endpoint that is just as the API server prints it, read without the bookkeeping of field paths: a mesh has as many of them
 * as pods. Undefined for anything out of the ordinary.
 */
function plainEndpoint(value: unknown, namespace: string): SliceEndpoint | undefined {
  if (!isFields(value) || !Array.isArray(value.addresses)) return undefined;
  const { addresses, conditions, targetRef } = value;
  if (!addresses.every((address) => typeof address === 'string')) return undefined;
  if (!isFields(conditions) || !isFields(targetRef)) return undefined;
  const { ready = true, terminating = false } = conditions;
  if (typeof ready !== 'boolean' || typeof terminating !== 'boolean') return undefined;
  const { kind, name, namespace: space = namespace } = targetRef;
  if (kind !== 'Pod' || typeof name !== 'string' || typeof space !== 'string') return undefined;
  return { addresses, ready, terminating, pod: { name, namespace: space } };
}

function parseEndpoint(value: unknown, field: string, reader: FieldReader, namespace: string): SliceEndpoint {
  const endpoint = reader.fields(value, field);
  const conditions = reader.fields(endpoint.conditions, `${field}.conditions`);
  const target = reader.optionalFields(endpoint.targetRef, `${field}.targetRef`);
  const name = target?.kind === 'Pod' ? reader.string(target.name, `${field}.targetRef.name`) : undefined;
  return {
    addresses: reader.strings(endpoint.addresses, `${field}.addresses`),
    ready: reader.boolean(conditions.ready, `${field}.conditions.ready`) ?? true,
    terminating: reader.boolean(conditions.terminating, `${field}.conditions.terminating`) ?? false,
    ...(name === undefined
      ? {}
      : {
          pod: {
            name,
            namespace: reader.string(target?.namespace, `${field}.targetRef.namespace`) ?? namespace,
          },
        }),
  };
}
