/** Prometheus: scrape annotations, ServiceMonitors and PodMonitors that lead to application ports. */

import { noStrings } from '../../istio/fields.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { type LabelSelector, labelSelectorMatches } from '../../istio/mesh-config.ts';
import { servicesOf } from '../../mesh/findings/services-of.ts';
import { workloadRef } from '../../mesh/findings/wording.ts';
import { containerPorts } from '../../mesh/inbound.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asNumber, asObjects, asText, asTextMap, asTexts, dig } from '../../sources/json-value.ts';
import { type Breaker, type BreakerInput, type ExceptionPort, objectsOfKind } from '../breaker.ts';
import { closedPortsBehind, wouldRefusePlaintext } from '../strict-ports.ts';

const mergePort = 15020;
const noSidecar =
  'Prometheus scrapes pods by address and without a mesh certificate: STRICT resets it, and the metrics and alerts of this port end.';
const betterScrape =
  'Let Istio merge the metrics (scrape port 15020, which stays open), or give Prometheus a mesh certificate; else keep this one port PERMISSIVE.';

export function scrapeAnnotations({ namespace, target }: BreakerInput): readonly Breaker[] {
  const pods = target.workloads
    .filter((workload) => workload.namespace === namespace)
    .flatMap((workload) => annotatedPod(target, workload));
  const services = target.services
    .filter(
      (service) => service.namespace === namespace && service.annotations['prometheus.io/scrape'] === 'true',
    )
    .flatMap((service): readonly Breaker[] => {
      const wanted = asNumber(service.annotations['prometheus.io/port']);
      const closed = service.ports
        .flatMap((port) => closedPortsBehind(target, service, port))
        .filter(({ port }) => wanted === undefined || port === wanted);
      if (closed.length === 0) return [];
      return [
        {
          kind: 'scrape',
          certainty: 'breaks',
          message: `Service ${namespace}/${service.name} asks Prometheus to scrape ${places(closed)}.`,
          why: noSidecar,
          resource: service.ref,
          field: 'metadata.annotations.prometheus.io/scrape',
          ...(service.origin === undefined ? {} : { origin: service.origin }),
          remedy: betterScrape,
          exceptions: closed,
        },
      ];
    });
  return [...pods, ...services];
}

/**
 * Injection turns a pod's scrape annotations to port 15020, where the agent merges the metrics; only where that is turned off, or
 * where the pod has been written otherwise, Prometheus goes to the application's port.
 */
function annotatedPod(target: Mesh, workload: Workload): readonly Breaker[] {
  const { annotations } = workload;
  if (annotations['prometheus.io/scrape'] !== 'true') return [];
  const injected = workload.dataplane === 'sidecar';
  if (!injected && annotations['prometheus.istio.io/merge-metrics'] !== 'false') return [];
  const port = asNumber(annotations['prometheus.io/port']) ?? containerPorts(workload)[0];
  if (port === undefined || port === mergePort || !wouldRefusePlaintext(target, workload, port)) return [];
  return [
    {
      kind: 'scrape',
      certainty: 'breaks',
      message: `${workload.kind} ${workload.namespace}/${workload.name} asks Prometheus to scrape its port ${port}.`,
      why: noSidecar,
      resource: workloadRef(workload),
      field: 'metadata.annotations.prometheus.io/port',
      origin: workload.origin,
      remedy: betterScrape,
      exceptions: [{ workload, port }],
    },
  ];
}

/** The Prometheus operator's monitors (monitoring.coreos.com/v1). */
export function monitors({ namespace, target }: BreakerInput): readonly Breaker[] {
  const ofServices = objectsOfKind(target, 'ServiceMonitor').flatMap((monitor) => {
    if (!watches(monitor, namespace)) return [];
    const selector = readSelector(dig(monitor, 'spec', 'selector'));
    const services = target.services.filter(
      (service) => service.namespace === namespace && labelSelectorMatches(selector, service.labels),
    );
    return asObjects(dig(monitor, 'spec', 'endpoints')).flatMap((endpoint, index) => {
      if (usesMeshCertificate(endpoint)) return [];
      const closed = services.flatMap((service) =>
        service.ports
          .filter((port) => endpoint.port === port.name || endpoint.targetPort === port.targetPort)
          .flatMap((port) => closedPortsBehind(target, service, port)),
      );
      return closed.length === 0 ? [] : [monitorBreaker(monitor, `spec.endpoints[${index}]`, closed)];
    });
  });
  const ofPods = objectsOfKind(target, 'PodMonitor').flatMap((monitor) => {
    if (!watches(monitor, namespace)) return [];
    const selector = readSelector(dig(monitor, 'spec', 'selector'));
    const selected = target.workloads.filter(
      (workload) => workload.namespace === namespace && labelSelectorMatches(selector, workload.labels),
    );
    return asObjects(dig(monitor, 'spec', 'podMetricsEndpoints')).flatMap((endpoint, index) => {
      if (usesMeshCertificate(endpoint)) return [];
      const closed = selected.flatMap((workload) => {
        const named = workload.ports.find(({ name }) => name !== '' && name === endpoint.port)?.port;
        const port = named ?? asNumber(endpoint.portNumber) ?? asNumber(endpoint.targetPort);
        return port !== undefined && wouldRefusePlaintext(target, workload, port) ? [{ workload, port }] : [];
      });
      return closed.length === 0
        ? []
        : [monitorBreaker(monitor, `spec.podMetricsEndpoints[${index}]`, closed)];
    });
  });
  return [...ofServices, ...ofPods];
}

function monitorBreaker(monitor: KubeObject, field: string, closed: readonly ExceptionPort[]): Breaker {
  const { namespace, name } = monitor.metadata;
  return {
    kind: 'monitor',
    certainty: 'breaks',
    message: `${monitor.kind} ${namespace}/${name} scrapes ${places(closed)} without a mesh certificate.`,
    why: noSidecar,
    resource: { kind: monitor.kind, ...(namespace === undefined ? {} : { namespace }), name },
    field,
    remedy: betterScrape,
    exceptions: closed,
  };
}

/** Istio's way to let Prometheus scrape under STRICT: certificates that a sidecar writes to a volume, named in tlsConfig. */
function usesMeshCertificate(endpoint: unknown): boolean {
  return (
    asText(dig(endpoint, 'scheme'))?.toLowerCase() === 'https' &&
    (dig(endpoint, 'tlsConfig', 'certFile') !== undefined || dig(endpoint, 'tlsConfig', 'cert') !== undefined)
  );
}

/** A monitor watches its own namespace unless it says otherwise. */
function watches(monitor: KubeObject, namespace: string): boolean {
  const selector = dig(monitor, 'spec', 'namespaceSelector');
  if (dig(selector, 'any') === true) return true;
  const names = asTexts(dig(selector, 'matchNames'));
  return names.length === 0 ? monitor.metadata.namespace === namespace : names.includes(namespace);
}

function readSelector(value: unknown): LabelSelector {
  return {
    matchLabels: asTextMap(dig(value, 'matchLabels')) ?? noStrings,
    matchExpressions: asObjects(dig(value, 'matchExpressions')).map((expression) => ({
      key: asText(expression.key) ?? '',
      operator: asText(expression.operator) ?? '',
      values: asTexts(expression.values),
    })),
  };
}

function places(closed: readonly ExceptionPort[]): string {
  return [...new Set(closed.map(({ workload, port }) => `${workload.name}:${port}`))].join(', ');
}

/** Whether any Service leads to the port: what nobody declares is called by pod address. */
export function isDeclared(mesh: Mesh, workload: Workload, port: number): boolean {
  return servicesOf(mesh, workload).some(({ targetPort }) => targetPort === port);
}
