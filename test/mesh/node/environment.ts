/** A container's environment from its spec. */

import type { Container, EnvVar, PodObject } from '../../../src/lab/kinds/pod.ts';
import { dataOf, expand, fieldOf } from '../../../src/lab/kubelet/environment.ts';
import type { NodeApi } from './node-api.ts';

export type Environment = Readonly<Record<string, string>>;

/** What a container may use where its spec sets no limit: the node's own. */
const whole: Environment = { cpu: '2', memory: String(2 ** 31) };

export async function environmentOf(
  api: NodeApi,
  pod: PodObject,
  container: Container,
  ip: string,
): Promise<Environment> {
  const kubernetes = await api.get('services', 'default', 'kubernetes');
  const { clusterIP = '', ports = [] } = (kubernetes?.spec ?? {}) as {
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly port: number }[];
  };
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.metadata.name,
    HOME: '/',
    KUBERNETES_SERVICE_HOST: clusterIP,
    KUBERNETES_SERVICE_PORT: String(ports[0]?.port ?? 443),
  };
  for (const variable of container.env ?? []) {
    const value = await resolved(api, pod, container, ip, variable);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;
}

async function resolved(
  api: NodeApi,
  pod: PodObject,
  container: Container,
  ip: string,
  { value = '', valueFrom }: EnvVar,
): Promise<string | undefined> {
  if (valueFrom === undefined) return value;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(pod, fieldRef.fieldPath, ip);
  if (resourceFieldRef !== undefined) return resourceOf(container, resourceFieldRef.resource);
  const reference = configMapKeyRef ?? secretKeyRef;
  const kind = configMapKeyRef === undefined ? 'secrets' : 'configmaps';
  const object = await api.get(kind, pod.metadata.namespace ?? '', reference?.name ?? '');
  return dataOf(object?.data, kind === 'secrets')[reference?.key ?? ''];
}

/** With the divisor 1, in which Istio asks: whole processors, whole bytes. */
function resourceOf(container: Container, path: string): string {
  const [list, name = ''] = path.split('.');
  const resources = container.resources?.[list === 'limits' ? 'limits' : 'requests'];
  return String(quantity(resources?.[name] ?? whole[name] ?? '0'));
}

const units: Readonly<Record<string, number>> = { '': 1, m: 0.001, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

function quantity(text: string): number {
  const [, number, unit = ''] = /^([\d.]+)([a-zA-Z]*)$/.exec(text) ?? [];
  return Math.ceil(Number(number ?? 0) * (units[unit] ?? 1));
}
