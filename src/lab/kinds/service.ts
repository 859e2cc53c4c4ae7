/** Services and endpoint slices as the API server stores them (views, see pod.ts). */
import type { KubeObject } from '../../istio/kubernetes.ts';

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
}

export interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly externalName?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePort[];
  readonly publishNotReadyAddresses?: boolean;
  readonly sessionAffinity?: string;
}

export interface ServiceObject extends KubeObject {
  readonly spec: ServiceSpec;
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef?: {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
}

export interface SlicePort {
  readonly name?: string;
  readonly port?: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

export interface EndpointSliceObject extends KubeObject {
  readonly addressType: string;
  readonly endpoints?: readonly SliceEndpoint[] | null;
  readonly ports?: readonly SlicePort[] | null;
}

/** The label that ties a slice to its Service. */
export const serviceNameLabel = 'kubernetes.io/service-name';

export function asService(object: KubeObject): ServiceObject {
  if (object.kind !== 'Service') throw new TypeError(`not a Service: ${object.kind}`);
  return object as ServiceObject;
}

export function asEndpointSlice(object: KubeObject): EndpointSliceObject {
  if (object.kind !== 'EndpointSlice') throw new TypeError(`not an EndpointSlice: ${object.kind}`);
  return object as EndpointSliceObject;
}
