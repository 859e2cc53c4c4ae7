/** ClusterIPs (10.96.0.0/16) and node ports (30000-32767): what is taken is read off the stored services. */
import { type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringsAt } from '../json.ts';
import { invalid } from '../status.ts';
import { invalidValue, toCauses } from '../validation/field-error.ts';
import type { Effects } from './effects.ts';

const range = '10.96.0.0/16';
const firstPort = 30_000;
const portCount = 2768;

export class Allocator {
  readonly #services: () => readonly JsonObject[];
  readonly #effects: Effects;

  constructor(services: () => readonly JsonObject[], effects: Effects) {
    this.#services = services;
    this.#effects = effects;
  }

  /** @throws ApiStatus Invalid where the wanted address is taken or outside of the range. */
  clusterIP(wanted: string | undefined, service: string): string {
    const taken = new Set(this.#services().flatMap((service) => clusterIPs(service)));
    if (wanted !== undefined) {
      if (!/^10\.96\.\d{1,3}\.\d{1,3}$/.test(wanted)) {
        throw refusal(
          service,
          'spec.clusterIPs',
          [wanted],
          `failed to allocate IP ${wanted}: the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${range}`,
        );
      }
      if (taken.has(wanted)) {
        throw refusal(
          service,
          'spec.clusterIPs',
          [wanted],
          `failed to allocate IP ${wanted}: provided IP is already allocated`,
        );
      }
      return wanted;
    }
    for (;;) {
      // The first addresses are left to those that ask for one by number, as kube-dns does.
      const ip = `10.96.${1 + this.#effects.random(254)}.${1 + this.#effects.random(254)}`;
      if (!taken.has(ip)) return ip;
    }
  }

  nodePort(wanted: number | undefined, service: string): number {
    const taken = new Set(this.#services().flatMap((service) => nodePorts(service)));
    if (wanted !== undefined) {
      if (wanted < firstPort || wanted >= firstPort + portCount) {
        throw refusal(
          service,
          'spec.ports[0].nodePort',
          wanted,
          'provided port is not in the valid range. The range of valid ports is 30000-32767',
        );
      }
      if (taken.has(wanted))
        throw refusal(service, 'spec.ports[0].nodePort', wanted, 'provided port is already allocated');
      return wanted;
    }
    for (;;) {
      const port = firstPort + this.#effects.random(portCount);
      if (!taken.has(port)) return port;
    }
  }
}

function refusal(service: string, field: string, value: unknown, detail: string): Error {
  return invalid('Service', '', service, toCauses([invalidValue(field, value, detail)]));
}

function clusterIPs(service: JsonObject): readonly string[] {
  const spec = objectAt(service, 'spec');
  return [...stringsAt(spec, 'clusterIPs'), stringAt(spec, 'clusterIP') ?? ''];
}

function nodePorts(service: JsonObject): readonly number[] {
  return objectsAt(objectAt(service, 'spec'), 'ports').map((port) => numberAt(port, 'nodePort') ?? 0);
}
