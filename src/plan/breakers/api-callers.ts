/** Webhooks and aggregated APIs: the API server calls them from outside the mesh, without a mesh certificate. */

import type { KubeObject } from '../../istio/kubernetes.ts';
import { list } from '../../mesh/findings/wording.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { asNumber, asObjects, asText, dig, type JsonObject } from '../../sources/json-value.ts';
import { type Breaker, type BreakerInput, objectsOfKind } from '../breaker.ts';
import { closedPortsBehind } from '../strict-ports.ts';

export function apiCallers({ namespace, target }: BreakerInput): readonly Breaker[] {
  const webhooks = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].flatMap((kind) =>
    objectsOfKind(target, kind).flatMap((object) =>
      asObjects(object.webhooks).flatMap((webhook, index) => {
        const field = `webhooks[${index}].clientConfig.service`;
        return called(target, namespace, object, 'webhook', dig(webhook, 'clientConfig', 'service'), field);
      }),
    ),
  );
  const services = objectsOfKind(target, 'APIService').flatMap((object) =>
    called(target, namespace, object, 'api-service', dig(object, 'spec', 'service'), 'spec.service'),
  );
  return [...webhooks, ...services];
}

function called(
  target: Mesh,
  namespace: string,
  object: KubeObject,
  kind: 'webhook' | 'api-service',
  service: unknown,
  field: string,
): readonly Breaker[] {
  const reference = readReference(service);
  if (reference === undefined || reference.namespace !== namespace) return [];
  const found = target.services.find((one) => one.namespace === namespace && one.name === reference.name);
  const port = found?.ports.find((one) => one.port === reference.port);
  const closed = found === undefined || port === undefined ? [] : closedPortsBehind(target, found, port);
  if (closed.length === 0) return [];
  const places = list([...new Set(closed.map(({ workload, port: at }) => `${workload.name}:${at}`))]);
  return [
    {
      kind,
      certainty: 'breaks',
      message: `${object.kind} ${object.metadata.name} has the API server call Service ${namespace}/${reference.name}, which ends at ${places}.`,
      why:
        kind === 'webhook'
          ? 'The API server has no sidecar: STRICT resets its call, and requests to the cluster are refused or pass unchecked, as the webhook’s failurePolicy says.'
          : 'The API server has no sidecar: STRICT resets its call, and the aggregated API is unavailable.',
      resource: { kind: object.kind, name: object.metadata.name },
      field,
      remedy: 'Keep this one port PERMISSIVE; the call is TLS of its own and stays encrypted.',
      exceptions: closed,
    },
  ];
}

function readReference(
  service: unknown,
): { readonly namespace: string; readonly name: string; readonly port: number } | undefined {
  const object = service as JsonObject | undefined;
  const name = asText(dig(object, 'name'));
  const namespace = asText(dig(object, 'namespace'));
  if (name === undefined || namespace === undefined) return undefined;
  return { namespace, name, port: asNumber(dig(object, 'port')) ?? 443 };
}
