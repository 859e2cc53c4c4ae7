/** The names of built-in types in OpenAPI documents: `core.v1.Pod` is `io.k8s.api.core.v1.Pod` there. */

const prefixes: readonly (readonly [short: string, long: string])[] = [
  ['meta.', 'io.k8s.apimachinery.pkg.apis.meta.v1.'],
  ['machinery.', 'io.k8s.apimachinery.pkg.'],
  ['aggregator.', 'io.k8s.kube-aggregator.pkg.apis.'],
  ['extensions.', 'io.k8s.apiextensions-apiserver.pkg.apis.'],
];

export function openApiName(typeName: string): string {
  for (const [short, long] of prefixes) {
    if (typeName.startsWith(short)) return `${long}${typeName.slice(short.length)}`;
  }
  return `io.k8s.api.${typeName}`;
}
