/** What proxy stands before a workload, and why: the pod's own marks, or what injection would do to its template. */
import { ambientSign } from '../istio/ambient.ts';
import { tlsModeLabel } from '../istio/auto-mtls.ts';
import type { StringMap } from '../istio/fields.ts';
import {
  type InjectionCause,
  injectedRevision,
  type ProxySign,
  proxyOf,
  wouldInject,
} from '../istio/injection.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { PodTemplate } from '../istio/pod.ts';
import type { Reason } from './reason.ts';
import type { Dataplane } from './workload.ts';

export interface DataplaneFound {
  readonly dataplane: Dataplane;
  readonly because: readonly Reason[];
  readonly revision: string;
  /** The template with the labels that injection adds. */
  readonly template: PodTemplate;
}

const signTexts: Readonly<Record<ProxySign, string>> = {
  container: 'the pod has an istio-proxy container',
  'native-sidecar': 'the pod has istio-proxy as a native sidecar (an init container that keeps running)',
  'status-annotation': 'the pod was injected: it carries the annotation sidecar.istio.io/status',
  'router-arguments': 'the pod is a gateway: its istio-proxy runs as a router',
  'waypoint-label': 'the pod is a waypoint proxy',
  absent: 'the pod has no istio-proxy container: no sidecar, so no policy is held here',
};

/** The dataplane of a pod that exists. */
export function dataplaneOfPod(pod: PodTemplate, namespace: string, labels: StringMap): DataplaneFound {
  const proxy = proxyOf(pod);
  const revision =
    injectedRevision(pod.annotations) ?? pod.labels['istio.io/rev'] ?? labels['istio.io/rev'] ?? 'default';
  if (proxy.kind !== 'none') {
    return { dataplane: proxy.kind, because: [{ text: signTexts[proxy.sign] }], revision, template: pod };
  }
  const ambient = ambientReasons(pod, namespace, labels);
  if (ambient !== undefined) return { dataplane: 'ambient', because: ambient, revision, template: pod };
  const text = pod.hostNetwork ? 'the pod uses the host network: Istio never injects it' : signTexts.absent;
  return { dataplane: 'none', because: [{ text }], revision, template: pod };
}

function ambientReasons(
  pod: PodTemplate,
  namespace: string,
  labels: StringMap,
): readonly Reason[] | undefined {
  switch (ambientSign(pod, labels)) {
    case 'redirection':
      return [
        {
          text: 'the node agent has put the pod into ambient mode',
          field: 'metadata.annotations["ambient.istio.io/redirection"]',
          value: 'enabled',
        },
      ];
    case 'pod-label':
      return [{ text: "the pod's label istio.io/dataplane-mode puts it into ambient mode" }];
    case 'namespace-label':
      return [
        {
          text: "the namespace's label istio.io/dataplane-mode puts it into ambient mode",
          resource: { kind: 'Namespace', name: namespace },
          field: 'metadata.labels["istio.io/dataplane-mode"]',
          value: 'ambient',
        },
      ];
    default:
      return undefined;
  }
}

const injectionTexts: Readonly<Record<InjectionCause, string>> = {
  'namespace-enabled': 'the namespace is labelled istio-injection=enabled',
  'namespace-revision': 'the namespace is labelled istio.io/rev',
  'pod-label': 'the pod template asks for it by the label sidecar.istio.io/inject=true',
  'pod-revision': 'the pod template asks for it by the label istio.io/rev',
  'namespace-disabled':
    'the namespace is labelled istio-injection with another value than enabled, which no pod label overrides',
  'namespace-not-labelled': 'neither the namespace nor the pod template asks for a sidecar',
  'pod-label-false': 'the pod template refuses it by the label sidecar.istio.io/inject=false',
  'pod-annotation-false': 'the pod template refuses it by the annotation sidecar.istio.io/inject=false',
  'host-network': 'the pod template uses the host network: Istio never injects it',
  'system-namespace': 'Istio injects no pod in this system namespace',
};

/** What a new pod of a template would have. `namespaceKnown` false: no Namespace object was read, so its labels are unknown. */
export function dataplaneOfTemplate(
  template: PodTemplate,
  namespace: string,
  labels: StringMap,
  namespaceKnown: boolean,
): DataplaneFound {
  const present = proxyOf(template);
  if (present.kind !== 'none') return dataplaneOfPod(template, namespace, labels);
  const decision = wouldInject(namespace, labels, template);
  const resource: ObjectRef = { kind: 'Namespace', name: namespace };
  const ofNamespace = decision.cause.startsWith('namespace-');
  const why: Reason = { text: injectionTexts[decision.cause], ...(ofNamespace ? { resource } : {}) };
  const unknown: readonly Reason[] = namespaceKnown
    ? []
    : [{ text: 'no Namespace object was read, so the namespace counts as not labelled', resource }];
  const revision = decision.revision ?? 'default';
  if (!decision.injected) {
    const ambient = ambientReasons(template, namespace, labels);
    if (ambient !== undefined) return { dataplane: 'ambient', because: ambient, revision, template };
    const none = { text: 'no pod was read; a new pod would get no sidecar' };
    return { dataplane: 'none', because: [none, why, ...unknown], revision, template };
  }
  const gets = decision.template === 'gateway' ? 'a gateway proxy' : 'a sidecar';
  return {
    dataplane: decision.template,
    because: [{ text: `no pod was read; a new pod would get ${gets}` }, why],
    revision,
    template: decision.template === 'gateway' ? template : withTlsMode(template),
  };
}

/** Injection marks the pod as one that speaks mutual TLS, unless its template says otherwise. */
function withTlsMode(template: PodTemplate): PodTemplate {
  if (template.labels[tlsModeLabel] !== undefined) return template;
  return { ...template, labels: { ...template.labels, [tlsModeLabel]: 'istio' } };
}
