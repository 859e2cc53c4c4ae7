/** The mutating webhook: what Istio's injector makes of a new pod. */
import { type Fields, isFields, type StringMap } from '../../../istio/fields.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { AdmissionPlugin, Api } from '../../api/api.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import { type InjectionQuestion, isInjected } from './injection-rules.ts';
import { type PodIdentity, podIdentity } from './pod-identity.ts';
import { rewriteProbes } from './probe-rewrite.ts';
import { istioInit, istioProxy, sidecarVolumes } from './sidecar-containers.ts';

const statusAnnotation = 'sidecar.istio.io/status';

/** Runs when a pod is created; pods that exist never change. */
export function createInjection(model: () => MeshModel, api: Api): AdmissionPlugin {
  return (request) => {
    if (request.operation !== 'CREATE' || request.resource !== 'pods') return request.object;
    const namespace = request.namespace ?? 'default';
    const pod = request.object;
    const question: InjectionQuestion = {
      namespace,
      namespaceLabels: api.get('namespaces', undefined, namespace)?.metadata.labels ?? {},
      labels: pod.metadata.labels ?? {},
      annotations: pod.metadata.annotations ?? {},
      hostNetwork: specOf(pod).hostNetwork === true,
    };
    const already = question.annotations[statusAnnotation] !== undefined;
    if (already || !isInjected(question)) return pod;
    return injectSidecar(pod, namespace, model().config.trustDomain);
  };
}

function specOf(pod: KubeObject): Fields {
  return isFields(pod.spec) ? pod.spec : {};
}

function injectSidecar(pod: KubeObject, namespace: string, trustDomain: string): KubeObject {
  const spec = specOf(pod);
  const annotations: StringMap = pod.metadata.annotations ?? {};
  const identity = podIdentity(pod, namespace);
  const native = annotations['sidecar.istio.io/nativeSidecar'] === 'true';
  const rewritten =
    annotations['sidecar.istio.io/rewriteAppHTTPProbers'] === 'false'
      ? { containers: fieldsOf(spec.containers), probers: {} }
      : rewriteProbes(fieldsOf(spec.containers));
  const proxy = istioProxy({ identity, annotations, native, trustDomain, probers: rewritten.probers });
  const init = istioInit(annotations);
  const before = fieldsOf(spec.initContainers);
  const initContainers = native ? [init, proxy, ...before] : [...before, init];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: injectedLabels(pod, identity),
      annotations: { ...annotations, ...injectedAnnotations(annotations, identity, native) },
    },
    spec: {
      ...spec,
      initContainers,
      // Istio puts the proxy first where the application is to wait for it, else last.
      containers: native ? rewritten.containers : [...rewritten.containers, proxy],
      volumes: [...fieldsOf(spec.volumes), ...sidecarVolumes],
    },
  };
}

function fieldsOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** A value that the pod's author set is kept, the wrong ones too: istiod takes the label on trust. */
function injectedLabels(pod: KubeObject, identity: PodIdentity): StringMap {
  return {
    'security.istio.io/tlsMode': 'istio',
    'service.istio.io/canonical-name': identity.canonicalName,
    'service.istio.io/canonical-revision': identity.canonicalRevision,
    ...pod.metadata.labels,
  };
}

function injectedAnnotations(annotations: StringMap, identity: PodIdentity, native: boolean): StringMap {
  const status = {
    initContainers: native ? ['istio-init', 'istio-proxy'] : ['istio-init'],
    containers: native ? null : ['istio-proxy'],
    volumes: sidecarVolumes.map(({ name }) => name),
    imagePullSecrets: null,
    revision: 'default',
  };
  const main = annotations['kubectl.kubernetes.io/default-container'] ?? identity.containers[0] ?? '';
  return {
    'istio.io/rev': 'default',
    'kubectl.kubernetes.io/default-container': main,
    'kubectl.kubernetes.io/default-logs-container':
      annotations['kubectl.kubernetes.io/default-logs-container'] ?? main,
    ...mergedPrometheus(annotations),
    [statusAnnotation]: JSON.stringify(status),
  };
}

/** Prometheus is sent to the agent, which merges the application's metrics with the proxy's (applyPrometheusMerge). */
function mergedPrometheus(annotations: StringMap): StringMap {
  const off = annotations['prometheus.istio.io/merge-metrics'] === 'false';
  if (off || annotations['prometheus.io/scrape'] === 'false') return {};
  return {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '15020',
    'prometheus.io/path': '/stats/prometheus',
  };
}
