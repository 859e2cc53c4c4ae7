/** Istio's CustomResourceDefinitions as the API server holds them, from the data in `istio.json` (made by scripts/istio-crds.ts). */
import type { JsonObject } from '../json.ts';
import data from './istio.json' with { type: 'json' };

/** The release of Istio's API that the definitions come from. */
export const istioApiVersion = data.version;

/** @returns one object for each kind, as `kubectl get crd -o yaml` shows it on a cluster where Istio was installed. */
export function istioDefinitions(): readonly JsonObject[] {
  return data.definitions.map(({ group, names, versions, columns, schema }) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${names.plural}.${group}`,
      annotations: { 'helm.sh/resource-policy': 'keep' },
      labels: { app: 'istio-pilot', chart: 'istio', istio: group.split('.')[0] ?? '', release: 'istio' },
    },
    spec: {
      group,
      names,
      scope: 'Namespaced',
      versions: versions.map((version) => ({
        ...version,
        ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns }),
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  }));
}
