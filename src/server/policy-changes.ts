/** Tells real policy changes from other writes to the same objects (statuses, labels of tools). */
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import { asObject, asText, dig } from '../sources/json-value.ts';
import type { DashboardEvent } from './wire.ts';

type PolicyEvent = Extract<DashboardEvent, { kind: 'policy' }>;

const policyKinds: ReadonlySet<string> = new Set([
  'PeerAuthentication',
  'DestinationRule',
  'AuthorizationPolicy',
]);

export class PolicyChanges {
  /** The specs as they were last seen. */
  readonly #specs = new Map<string, string>();

  constructor(snapshot: Snapshot) {
    for (const { object } of snapshot.objects) {
      if (policyKinds.has(object.kind)) this.#specs.set(keyOf(object), specOf(object));
    }
  }

  /** @returns what the event changed, or undefined where it changed nothing that counts. */
  heard(
    type: 'ADDED' | 'MODIFIED' | 'DELETED',
    object: KubeObject,
  ): Pick<PolicyEvent, 'change' | 'says'> | undefined {
    if (!policyKinds.has(object.kind)) return undefined;
    const key = keyOf(object);
    const before = this.#specs.get(key);
    if (type === 'DELETED') {
      this.#specs.delete(key);
      return before === undefined ? undefined : { change: 'removed', says: '' };
    }
    const spec = specOf(object);
    if (spec === before) return undefined;
    this.#specs.set(key, spec);
    return { change: before === undefined ? 'added' : 'changed', says: summary(object) };
  }
}

function keyOf(object: KubeObject): string {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function specOf(object: KubeObject): string {
  return JSON.stringify(object.spec ?? {});
}

/** The few words that a line has room for. */
function summary(object: KubeObject): string {
  switch (object.kind) {
    case 'PeerAuthentication': {
      const mode = asText(dig(object, 'spec', 'mtls', 'mode')) ?? 'UNSET';
      const ports = Object.entries(asObject(dig(object, 'spec', 'portLevelMtls'))).map(
        ([port, value]) => `${port}: ${asText(dig(value, 'mode')) ?? 'UNSET'}`,
      );
      return [mode, ...ports].join(', ');
    }
    case 'DestinationRule': {
      const host = asText(dig(object, 'spec', 'host')) ?? '';
      const tls = asText(dig(object, 'spec', 'trafficPolicy', 'tls', 'mode'));
      return tls === undefined ? host : `${host}: ${tls}`;
    }
    default:
      return asText(dig(object, 'spec', 'action')) ?? 'ALLOW';
  }
}
