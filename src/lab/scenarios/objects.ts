/** The small parts that scenarios are made of. Pure. */
import type { KubeObject } from '../../istio/kubernetes.ts';

type Fields = Readonly<Record<string, unknown>>;

export function namespace(name: string, isInjected: boolean): KubeObject {
  const labels = isInjected ? { labels: { 'istio-injection': 'enabled' } } : {};
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...labels } };
}

export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly container: Fields;
  readonly replicas?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly pod?: Fields;
}

/** A service account of its own, for an identity of its own, and a Deployment. */
export function deployment(workload: Workload): readonly KubeObject[] {
  const { name, namespace: place } = workload;
  const spec = {
    replicas: workload.replicas ?? 1,
    selector: { matchLabels: { app: name } },
    template: template(workload),
  };
  return [
    account(name, place),
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: place }, spec },
  ];
}

export function account(name: string, place: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: place } };
}

/** The pod template of a workload: its label `app`, its account, its one container. */
export function template({ name, container, annotations, pod }: Workload): Fields {
  return {
    metadata: { labels: { app: name }, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      serviceAccountName: name,
      terminationGracePeriodSeconds: 1,
      containers: [{ name, ...container }],
      ...pod,
    },
  };
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort?: number;
}

export function service(
  name: string,
  place: string,
  ports: readonly ServicePort[],
  spec: Fields = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: place },
    spec: { selector: { app: name }, ports, ...spec },
  };
}

/** A container that runs curl every second, and logs the status of each answer. */
export function caller(url: string): Fields {
  const call = `curl -sS -m 2 -o /dev/null -w '%{http_code} ${url}\\n' ${url}`;
  return {
    image: 'curlimages/curl',
    command: ['/bin/sh', '-c', `while true; do ${call}; sleep 1; done`],
  };
}
