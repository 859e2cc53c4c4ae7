/** How pods of a namespace get a sidecar: by a label that a webhook of the control plane asks for. */
import type { KubeObject } from '../istio/kubernetes.ts';
import { labelSelectorMatches } from '../istio/mesh-config.ts';
import { asObjects, asText, asTextMap, asTexts, dig } from '../sources/json-value.ts';

type Labels = Readonly<Record<string, string>>;

export type InjectionChoice =
  /** The namespace has the label already. */
  | { readonly kind: 'on'; readonly labels: Labels }
  /** Setting these labels turns injection on. */
  | { readonly kind: 'label'; readonly labels: Labels }
  /** A person has to decide. */
  | { readonly kind: 'refused'; readonly sentence: string; readonly hint: string };

/** Istio's labels: one for the default revision, one for a named revision or a tag. */
const plainLabel = 'istio-injection';
const revisionLabel = 'istio.io/rev';

/**
 * Decides which label turns injection on, by asking the webhooks' own selectors and not their names.
 * @param labels the namespace's labels
 * @param webhooks the cluster's MutatingWebhookConfigurations; those of other software are ignored
 * @param revision what the user asked for with `--revision`
 */
export function chooseInjection(
  labels: Labels,
  webhooks: readonly KubeObject[],
  revision: string | undefined,
): InjectionChoice {
  if (labels[plainLabel] === 'disabled') {
    return {
      kind: 'refused',
      sentence: `the namespace says ${plainLabel}=disabled`,
      hint: `remove that label if the namespace may join the mesh: kubectl label namespace NAME ${plainLabel}-`,
    };
  }
  const injects = (candidate: Labels): boolean => webhooks.some((webhook) => selects(webhook, candidate, {}));
  if (revision !== undefined) return chooseRevision(labels, revision, injects);
  if (injects(labels)) return { kind: 'on', labels };
  const inherited = labels[revisionLabel];
  if (inherited !== undefined) return missingRevision(inherited, revisionsOf(webhooks));
  if (injects({ ...labels, [plainLabel]: 'enabled' })) {
    return { kind: 'label', labels: { [plainLabel]: 'enabled' } };
  }
  const revisions = revisionsOf(webhooks).filter((name) => injects({ ...labels, [revisionLabel]: name }));
  const [only, ...others] = revisions;
  if (only !== undefined && others.length === 0) return { kind: 'label', labels: { [revisionLabel]: only } };
  return only === undefined
    ? {
        kind: 'refused',
        sentence: 'no sidecar injector of Istio was found in the cluster',
        hint: 'is istiod running, and may you read mutatingwebhookconfigurations?',
      }
    : {
        kind: 'refused',
        sentence: `several revisions of Istio could inject: ${revisions.join(', ')}`,
        hint: 'choose one with --revision',
      };
}

function chooseRevision(
  labels: Labels,
  revision: string,
  injects: (labels: Labels) => boolean,
): InjectionChoice {
  if (labels[revisionLabel] === revision && injects(labels)) return { kind: 'on', labels };
  // istio-injection wins over istio.io/rev, so it cannot stay beside it.
  if (labels[plainLabel] !== undefined) {
    return {
      kind: 'refused',
      sentence: `the namespace says ${plainLabel}=${labels[plainLabel]}, which beats ${revisionLabel}`,
      hint: `leave --revision out, or remove that label first: kubectl label namespace NAME ${plainLabel}-`,
    };
  }
  const wanted = { [revisionLabel]: revision };
  if (injects({ ...labels, ...wanted })) return { kind: 'label', labels: wanted };
  return {
    kind: 'refused',
    sentence: `no sidecar injector answers to revision ${revision}`,
    hint: 'see kubectl get mutatingwebhookconfigurations -l app=sidecar-injector --show-labels',
  };
}

function missingRevision(revision: string, known: readonly string[]): InjectionChoice {
  return {
    kind: 'refused',
    sentence: `the namespace asks for revision ${revision}, which no control plane of the cluster serves`,
    hint:
      known.length === 0
        ? 'is istiod running, and may you read mutatingwebhookconfigurations?'
        : `known revisions: ${known.join(', ')}; choose one with --revision`,
  };
}

/** Revisions and tags by the labels of Istio's webhook configurations. */
export function revisionsOf(webhooks: readonly KubeObject[]): readonly string[] {
  const names = webhooks.filter(isIstios).flatMap(({ metadata: { labels = {} } }) => {
    const name = labels['istio.io/tag'] ?? labels[revisionLabel];
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)].toSorted();
}

function isIstios(configuration: KubeObject): boolean {
  return (
    configuration.metadata.labels?.app === 'sidecar-injector' ||
    asObjects(configuration.webhooks).some(
      (webhook) => asText(webhook.name)?.endsWith('sidecar-injector.istio.io') === true,
    )
  );
}

/** True where one webhook of an Istio configuration takes a new pod with these labels in a namespace with those. */
export function selects(configuration: KubeObject, namespace: Labels, pod: Labels): boolean {
  return (
    isIstios(configuration) &&
    asObjects(configuration.webhooks).some(
      (webhook) =>
        matchesSelector(webhook.namespaceSelector, namespace) && matchesSelector(webhook.objectSelector, pod),
    )
  );
}

/** A webhook's selector (apimachinery's LabelSelector); an empty one, or none, matches everything. */
export function matchesSelector(selector: unknown, labels: Labels): boolean {
  const matchExpressions = asObjects(dig(selector, 'matchExpressions')).map((expression) => ({
    key: asText(expression.key) ?? '',
    operator: asText(expression.operator) ?? '',
    values: asTexts(expression.values),
  }));
  const matchLabels = asTextMap(dig(selector, 'matchLabels'));
  return labelSelectorMatches({ matchLabels, matchExpressions }, labels);
}
