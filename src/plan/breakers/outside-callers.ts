/** Callers from outside the mesh that configuration shows: ingress controllers, load balancers, node ports. */
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asNumber, asObjects, asText, dig } from '../../sources/json-value.ts';
import { type Breaker, type BreakerInput, type ExceptionPort, objectsOfKind } from '../breaker.ts';
import { closedPortsBehind } from '../strict-ports.ts';

/** Services that take traffic from outside the cluster straight to pods behind sidecars. */
export function exposedServices({ namespace, target }: BreakerInput): readonly Breaker[] {
  return target.services
    .filter((service) => service.namespace === namespace)
    .filter(
      ({ type, externalIPs }) => type === 'LoadBalancer' || type === 'NodePort' || externalIPs.length > 0,
    )
    .flatMap((service): readonly Breaker[] => {
      const closed = service.ports.flatMap((port) => closedPortsBehind(target, service, port));
      if (closed.length === 0) return [];
      const field = service.externalIPs.length > 0 ? 'spec.externalIPs' : 'spec.type';
      return [
        {
          kind: 'exposed-service',
          certainty: service.type === 'LoadBalancer' ? 'breaks' : 'may-break',
          message: `Service ${namespace}/${service.name} (${service.type}) lets callers from outside the cluster reach ${places(closed)}.`,
          why: 'They have no mesh certificate, and neither have a load balancer’s health checks: STRICT resets them.',
          resource: service.ref,
          field,
          ...(service.origin === undefined ? {} : { origin: service.origin }),
          remedy:
            'Lead outside traffic through an ingress gateway of the mesh; else keep these ports PERMISSIVE.',
          exceptions: closed,
        },
      ];
    });
}

/** Names by which charts label the pods of ingress controllers. */
const controllers =
  /^(ingress-nginx|nginx-ingress|traefik|haproxy-ingress|kubernetes-ingress|kong|contour|envoy|ambassador|emissary-ingress|apisix|skipper-ingress|voyager|gloo)$/;

/** Ingresses whose controller has no sidecar. */
export function ingresses({ namespace, target }: BreakerInput): readonly Breaker[] {
  const outside = target.workloads.filter((workload) => isController(workload));
  const bare = outside.filter(({ dataplane }) => dataplane === 'none');
  // A controller that is in the mesh, and no other, sends mutual TLS.
  if (outside.length > 0 && bare.length === 0) return [];
  return objectsOfKind(target, 'Ingress').flatMap((ingress): readonly Breaker[] => {
    if (ingress.metadata.namespace !== namespace || isIstio(target, ingress)) return [];
    const closed = backends(ingress).flatMap(({ service: name, port }) => {
      const service = target.services.find((one) => one.namespace === namespace && one.name === name);
      const found = service?.ports.find((one) => one.port === port || one.name === port);
      return service === undefined || found === undefined ? [] : closedPortsBehind(target, service, found);
    });
    if (closed.length === 0) return [];
    const ref: ObjectRef = { kind: 'Ingress', namespace, name: ingress.metadata.name };
    const by =
      bare[0] === undefined
        ? 'a controller that was not seen'
        : formatRef({ kind: bare[0].kind, namespace: bare[0].namespace, name: bare[0].name });
    return [
      {
        kind: 'ingress',
        certainty: bare.length > 0 ? 'breaks' : 'may-break',
        message: `Ingress ${namespace}/${ingress.metadata.name} leads to ${places(closed)}, called by ${by} without a sidecar.`,
        why: 'The ingress controller sends plaintext (or TLS of its own): STRICT resets it, and everything from outside gets 502 or 503.',
        resource: ref,
        field: 'spec.rules',
        remedy:
          'Inject a sidecar into the ingress controller, or move the route to a gateway of the mesh; else keep these ports PERMISSIVE.',
        exceptions: closed,
      },
    ];
  });
}

function isController({ labels, namespace }: Workload): boolean {
  const names = [labels['app.kubernetes.io/name'], labels.app, labels['k8s-app'], namespace];
  return names.some((name) => name !== undefined && controllers.test(name));
}

/** Istio's own ingress class ends at its gateway. */
function isIstio(mesh: Mesh, ingress: unknown): boolean {
  const name =
    asText(dig(ingress, 'spec', 'ingressClassName')) ??
    asText(dig(ingress, 'metadata', 'annotations', 'kubernetes.io/ingress.class'));
  const found = objectsOfKind(mesh, 'IngressClass').find((one) => one.metadata.name === name);
  return name === 'istio' || asText(dig(found, 'spec', 'controller')) === 'istio.io/ingress-controller';
}

/** Classes whose gateways are proxies of the mesh: they send mutual TLS (Istio's own, and those of the clouds that run Istio). */
const meshGatewayClass = /^(istio|asm-|gke-.*mesh)/;

/** Gateway API routes on gateways that are not Istio's. */
export function gatewayRoutes({ namespace, target }: BreakerInput): readonly Breaker[] {
  const gateways = target.snapshot.objects
    .map(({ object }) => object)
    .filter(
      ({ kind, apiVersion }) => kind === 'Gateway' && apiVersion.startsWith('gateway.networking.k8s.io/'),
    );
  const routes = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute'].flatMap((kind) =>
    objectsOfKind(target, kind),
  );
  return routes.flatMap((route): readonly Breaker[] => {
    if (route.metadata.namespace !== namespace) return [];
    const parents = asObjects(dig(route, 'spec', 'parentRefs')).flatMap((parent) => {
      if ((asText(parent.kind) ?? 'Gateway') !== 'Gateway') return [];
      const where = asText(parent.namespace) ?? namespace;
      return gateways.filter(({ metadata }) => metadata.name === parent.name && metadata.namespace === where);
    });
    const foreign = parents.find(
      (gateway) => !meshGatewayClass.test(asText(dig(gateway, 'spec', 'gatewayClassName')) ?? ''),
    );
    const closed = routeBackends(route).flatMap(({ service: name, port }) => {
      const service = target.services.find((one) => one.namespace === namespace && one.name === name);
      const found = service?.ports.find((one) => one.port === port);
      return service === undefined || found === undefined ? [] : closedPortsBehind(target, service, found);
    });
    if (foreign === undefined || closed.length === 0) return [];
    const via = `Gateway ${foreign.metadata.namespace}/${foreign.metadata.name} (class ${asText(dig(foreign, 'spec', 'gatewayClassName'))})`;
    return [
      {
        kind: 'ingress',
        certainty: 'breaks',
        message: `${route.kind} ${namespace}/${route.metadata.name} leads from ${via} to ${places(closed)}.`,
        why: 'Such a gateway is outside the mesh and sends plaintext (or TLS of its own): STRICT resets it, and everything from outside gets 502 or 503.',
        resource: { kind: route.kind, namespace, name: route.metadata.name },
        field: 'spec.parentRefs',
        remedy:
          'Move the route to a gateway of class istio, or inject a sidecar into that gateway’s proxies; else keep these ports PERMISSIVE.',
        exceptions: closed,
      },
    ];
  });
}

function routeBackends(route: unknown): readonly { readonly service: string; readonly port: number }[] {
  return asObjects(dig(route, 'spec', 'rules')).flatMap((rule) =>
    asObjects(rule.backendRefs).flatMap((backend) => {
      const service = asText(backend.name);
      const port = asNumber(backend.port);
      return service === undefined || port === undefined || (asText(backend.kind) ?? 'Service') !== 'Service'
        ? []
        : [{ service, port }];
    }),
  );
}

function backends(ingress: unknown): readonly { readonly service: string; readonly port: number | string }[] {
  const all = [
    dig(ingress, 'spec', 'defaultBackend'),
    ...asObjects(dig(ingress, 'spec', 'rules')).flatMap((rule) =>
      asObjects(dig(rule, 'http', 'paths')).map((path) => path.backend),
    ),
  ];
  return all.flatMap((backend) => {
    const service = asText(dig(backend, 'service', 'name'));
    const port =
      asNumber(dig(backend, 'service', 'port', 'number')) ?? asText(dig(backend, 'service', 'port', 'name'));
    return service === undefined || port === undefined ? [] : [{ service, port }];
  });
}

function places(closed: readonly ExceptionPort[]): string {
  return [...new Set(closed.map(({ workload, port }) => `${workload.name}:${port}`))].join(', ');
}
