/** The names of types in OpenAPI documents, made short for the lab's data. */

/** `io.k8s.api.core.v1.Pod` -> `core.v1.Pod`; the three prefixes that occur are told apart by their first letters. */
export function shortName(ref: string): string {
  return ref
    .replace('#/components/schemas/', '')
    .replace('io.k8s.apimachinery.pkg.apis.meta.v1.', 'meta.')
    .replace('io.k8s.apimachinery.pkg.', 'machinery.')
    .replace('io.k8s.kube-aggregator.pkg.apis.', 'aggregator.')
    .replace('io.k8s.apiextensions-apiserver.pkg.apis.', 'extensions.')
    .replace('io.k8s.api.', '');
}
