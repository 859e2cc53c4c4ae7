/** Puts together what one sidecar gets. What is the same for several sidecars is made once and shared. */
import type { Pod } from '../../../istio/pod.ts';
import type { ClusterConfig, ClusterLoadAssignment } from '../../sidecar/config/cluster.ts';
import type { ListenerConfig } from '../../sidecar/config/listener.ts';
import type { ProxyConfig, WorkloadMetadata } from '../../sidecar/config/proxy-config.ts';
import type { RouteConfiguration } from '../../sidecar/config/route.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import { destinationRuleFor } from '../policy/destination-rule-index.ts';
import { keepsAccessLog, silenced } from './access-log.ts';
import { catchAllClusters, inboundCluster, outboundClusters } from './clusters.ts';
import { inboundListener } from './inbound-listener.ts';
import { inboundPorts } from './inbound-ports.ts';
import { outboundTraffic } from './outbound-listeners.ts';
import { type Client, sidecarResourceOf, visibleServices } from './visible-services.ts';
import { workloadMetadata } from './workload-metadata.ts';

/** The part that depends on the client's namespace, and on its labels only where something selects by them. */
interface OutboundPart {
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  readonly endpoints: ReadonlyMap<string, ClusterLoadAssignment>;
  readonly listeners: ReadonlyMap<string, ListenerConfig>;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
}

/** Generates from one model; resources that equal those of the generator before are the same objects. */
export class ConfigGenerator {
  readonly #model: MeshModel;
  readonly #intern: Interner;
  readonly #outbound = new Map<string, OutboundPart>();
  readonly #workloads: ReadonlyMap<string, WorkloadMetadata>;

  constructor(model: MeshModel, interner: Interner) {
    this.#model = model;
    this.#intern = interner;
    this.#workloads = new Map([...model.podsByIp].map(([ip, pod]) => [ip, workloadMetadata(pod)]));
  }

  configFor(pod: Pod, version: string): ProxyConfig {
    const logs = keepsAccessLog(this.#model, pod);
    const outbound = this.#outboundPart({ namespace: pod.namespace, labels: pod.labels }, logs);
    const sidecar = sidecarResourceOf(this.#model, pod);
    const ports = inboundPorts(this.#model, pod, sidecar);
    const built = inboundListener(this.#model, pod, ports);
    const listener = this.#intern.share(
      `inbound ${pod.namespace}/${pod.name}`,
      logs ? built : silenced(built),
    );
    const clusters = new Map(outbound.clusters);
    for (const port of ports) {
      const cluster = inboundCluster(port);
      clusters.set(
        cluster.name,
        this.#intern.share(`inbound ${pod.namespace}/${pod.name} ${cluster.name}`, cluster),
      );
    }
    return {
      version,
      clusters,
      endpoints: outbound.endpoints,
      listeners: new Map([...outbound.listeners, [listener.name, listener]]),
      routes: outbound.routes,
      workloads: this.#workloads,
      trustDomain: this.#model.config.trustDomain,
    };
  }

  #outboundPart(client: Client, logs: boolean): OutboundPart {
    const key = `${logs ? '' : 'silent '}${this.#viewKey(client)}`;
    let part = this.#outbound.get(key);
    if (part === undefined) {
      part = this.#buildOutbound(client, key, logs);
      this.#outbound.set(key, part);
    }
    return part;
  }

  /** Clients that must see the same have the same key. */
  #viewKey({ namespace, labels }: Client): string {
    const { sidecars, destinationRules, virtualServices } = this.#model;
    const bySidecar = sidecars.get(namespace)?.some(({ selector }) => selector.labels !== undefined) === true;
    const local = destinationRules.local.get(namespace);
    const byRule =
      local !== undefined &&
      [...local.entries()].some(([, rules]) => rules.some(({ selector }) => selector !== undefined));
    const bySource = virtualServices.some((object) => JSON.stringify(object.spec).includes('"sourceLabels"'));
    return bySidecar || byRule || bySource ? `${namespace} ${JSON.stringify(labels)}` : namespace;
  }

  #buildOutbound(client: Client, view: string, logs: boolean): OutboundPart {
    const model = this.#model;
    const sidecar = sidecarResourceOf(model, client);
    const services = visibleServices(model, client, sidecar);
    const allowAny = (sidecar?.outboundTrafficPolicy ?? model.config.outboundTrafficPolicy) === 'ALLOW_ANY';
    const clusters = new Map<string, ClusterConfig>(
      catchAllClusters.map((cluster) => [cluster.name, cluster]),
    );
    const endpoints = new Map<string, ClusterLoadAssignment>();
    for (const { service, ports } of services) {
      const rule = destinationRuleFor(model.destinationRules, client, service);
      for (const port of ports) {
        if (port.protocol === 'UDP') continue;
        for (const made of outboundClusters(model, service, port, rule)) {
          const { name } = made.cluster;
          if (clusters.has(name)) continue;
          clusters.set(name, this.#intern.share(`${view} ${name}`, made.cluster));
          if (made.cluster.type !== 'ORIGINAL_DST') {
            endpoints.set(name, this.#intern.share(`${view} ${name} endpoints`, made.endpoints));
          }
        }
      }
    }
    const traffic = outboundTraffic({ model, client, services, allowAny });
    const share = <T extends { readonly name: string }>(
      kind: string,
      resources: readonly T[],
    ): ReadonlyMap<string, T> =>
      new Map(
        resources.map((resource) => [
          resource.name,
          this.#intern.share(`${view} ${kind} ${resource.name}`, resource),
        ]),
      );
    return {
      clusters,
      endpoints,
      listeners: share('listener', logs ? traffic.listeners : traffic.listeners.map(silenced)),
      routes: share('route', traffic.routes),
    };
  }
}

/** Keeps what was generated, so that what did not change stays the same object from one generation to the next. */
export class Interner {
  readonly #known = new Map<string, { readonly text: string; readonly value: object }>();

  /** @returns the value of before where it is equal, else this one. */
  share<T extends object>(key: string, value: T): T {
    const text = JSON.stringify(value);
    const known = this.#known.get(key);
    // What stands under a key was put there by this method with the same type.
    if (known?.text === text) return known.value as T;
    this.#known.set(key, { text, value });
    return value;
  }

  /** Forgets everything under keys that begin so: a proxy is gone. */
  forget(prefix: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(prefix)) this.#known.delete(key);
  }
}
