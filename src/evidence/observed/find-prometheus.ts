/** The Prometheus of a cluster: a Service that a person names, or the one that charts make. */
import { serviceHost } from '../../istio/hostname.ts';
import type { Service } from '../../istio/service.ts';
import { endpointsOf } from '../../mesh/endpoints.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { PrometheusPod } from './prometheus-client.ts';

/**
 * @param wanted `auto`, `NAMESPACE/SERVICE` or `NAMESPACE/SERVICE:PORT`
 * @returns a ready pod behind it, or why there is none
 */
export function findPrometheus(mesh: Mesh, wanted: string): PrometheusPod | { readonly missing: string } {
  const [, namespace, name, port] = /^([^/:]+)\/([^/:]+)(?::(\d+))?$/.exec(wanted) ?? [];
  const candidates =
    wanted === 'auto'
      ? mesh.services.filter(looksLikePrometheus).toSorted((a, b) => rank(a) - rank(b))
      : mesh.services.filter((service) => service.namespace === namespace && service.name === name);
  for (const service of candidates) {
    const pod = podBehind(mesh, service, port === undefined ? undefined : Number(port));
    if (pod !== undefined) return pod;
  }
  if (candidates.length > 0)
    return {
      missing: `no ready pod stands behind Service ${candidates[0]?.namespace}/${candidates[0]?.name}`,
    };
  return {
    missing: wanted === 'auto' ? 'no Service looks like Prometheus' : `there is no Service ${wanted}`,
  };
}

/** Istio's sample, the community charts and the operator all label or name it so. */
function looksLikePrometheus({ name, labels }: Pick<Service, 'name' | 'labels'>): boolean {
  if (/alertmanager|exporter|operator$|pushgateway|adapter|webhook|kube-state/.test(name)) return false;
  return (
    labels['app.kubernetes.io/name'] === 'prometheus' ||
    labels.app === 'prometheus' ||
    /^prometheus(-server|-k8s|-operated)?$|-prometheus$/.test(name)
  );
}

/** Istio's own is the likeliest to have Istio's metrics; a headless Service says less than an ordinary one. */
function rank({ namespace, headless }: Pick<Service, 'namespace' | 'headless'>): number {
  const place = namespace === 'istio-system' ? 0 : namespace === 'monitoring' ? 1 : 2;
  return place * 2 + (headless ? 1 : 0);
}

function podBehind(
  mesh: Mesh,
  { name, namespace, ports }: Pick<Service, 'name' | 'namespace' | 'ports'>,
  wanted: number | undefined,
): PrometheusPod | undefined {
  const likely = ports.toSorted((a, b) => score(b) - score(a));
  const port = wanted === undefined ? likely[0] : ports.find((one) => one.port === wanted);
  if (port === undefined) return undefined;
  const host = serviceHost(name, namespace, mesh.config.clusterDomain);
  const endpoint = endpointsOf(mesh, host, port.port).find(({ ready, pods }) => ready && pods.length > 0);
  const pod = endpoint?.pods[0];
  return endpoint === undefined || pod === undefined
    ? undefined
    : {
        namespace: endpoint.namespace,
        pod,
        port: endpoint.targetPort,
        name: `${namespace}/${name}:${port.port}`,
      };
}

function score({ name, port }: { readonly name: string; readonly port: number }): number {
  return (port === 9090 ? 2 : 0) + (/^(http|web|http-web)$/.test(name) ? 1 : 0);
}
