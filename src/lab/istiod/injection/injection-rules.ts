/**
 * Whether a new pod gets a sidecar: the webhook's selectors for the revision `default`, then the injector's own checks
 * (manifests/charts/.../mutatingwebhook.yaml; pkg/kube/inject/inject.go, injectRequired).
 */
import type { StringMap } from '../../../istio/fields.ts';

export interface InjectionQuestion {
  readonly namespace: string;
  readonly namespaceLabels: StringMap;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly hostNetwork: boolean;
}

const ignoredNamespaces: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
]);

const injectKey = 'sidecar.istio.io/inject';
const revisionKey = 'istio.io/rev';
const ownRevision = 'default';

export function isInjected(question: InjectionQuestion): boolean {
  return webhookSelects(question) && injectorAgrees(question);
}

/** The selectors of the four webhooks; the namespace's `istio-injection` label is stronger than its revision. */
function webhookSelects({ namespaceLabels, labels }: InjectionQuestion): boolean {
  const enabled = namespaceLabels['istio-injection'];
  const revision = namespaceLabels[revisionKey];
  const wish = labels[injectKey];
  if (wish === 'false') return false;
  if (enabled !== undefined) return enabled === 'enabled';
  if (revision !== undefined) return revision === ownRevision;
  const podRevision = labels[revisionKey];
  return podRevision === undefined ? wish === 'true' : podRevision === ownRevision;
}

/** A label is stronger than an annotation; an annotation alone can only keep injection away. */
function injectorAgrees({ namespace, labels, annotations, hostNetwork }: InjectionQuestion): boolean {
  if (hostNetwork || ignoredNamespaces.has(namespace)) return false;
  const wish = labels[injectKey] ?? annotations[injectKey];
  return wish === undefined || isYes(wish);
}

/** The words that YAML 1.1 and Istio take for yes. */
function isYes(word: string): boolean {
  return ['y', 'yes', 'true', 'on'].includes(word.toLowerCase());
}
