/**
 * Envoy's `/config_dump` (envoy.admin.v3.ConfigDump, and v2alpha of old proxies), cut into the parts that evidence looks at.
 * Tolerant: sections that are missing stay empty, unknown ones are passed over. ztunnel's dump is recognised.
 */
import { PadlockError } from '../../errors.ts';
import { asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import { field, path, typed } from './proto-json.ts';

/** A listener as Envoy holds it. New connections meet `active`; connections from before a change still live in `draining`. */
export interface ListenerStates {
  readonly name: string;
  readonly active?: JsonObject;
  readonly activeVersion?: string;
  readonly warming?: JsonObject;
  readonly draining?: JsonObject;
  /** Envoy refused an update, and why; what is active is older than what the control plane wants. */
  readonly error?: { readonly details: string; readonly version: string; readonly at: string };
  readonly isStatic: boolean;
}

export interface EnvoyDump {
  readonly kind: 'envoy';
  /** False where the dump has no listener section at all (masked, or cut off): nothing can be said then. */
  readonly hasListeners: boolean;
  readonly listeners: readonly ListenerStates[];
  readonly hasClusters: boolean;
  readonly clusters: readonly JsonObject[];
  /** False without `?include_eds`. */
  readonly hasEndpoints: boolean;
  /** ClusterLoadAssignments. */
  readonly endpoints: readonly JsonObject[];
  readonly secrets: readonly SecretState[];
  readonly node: { readonly id: string; readonly metadata: JsonObject };
}

export interface SecretState {
  readonly name: string;
  readonly state: 'active' | 'warming';
  readonly lastUpdated: string;
  readonly secret: JsonObject;
}

export interface ZtunnelDump {
  readonly kind: 'ztunnel';
  readonly raw: JsonObject;
}

export type ConfigDump = EnvoyDump | ZtunnelDump;

/**
 * Parses the text of `/config_dump`.
 * @param source names the proxy in the error's sentence
 * @throws PadlockError `INPUT_INVALID` where it is not JSON or no dump of a proxy
 */
export function parseConfigDump(text: string, source: string): ConfigDump {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw new PadlockError('INPUT_INVALID', `the config dump of ${source} is not JSON`, {
      cause,
      hint: 'it may be cut off; fetch it again',
    });
  }
  if (isObject(root) && Array.isArray(root.workloads) && !Array.isArray(root.configs)) {
    return { kind: 'ztunnel', raw: root };
  }
  // A dump that was asked for by resource and name, and that has none such, is printed as an empty message.
  if (isObject(root) && Object.keys(root).length === 0) return parseSections([]);
  if (!isObject(root) || !Array.isArray(root.configs)) {
    throw new PadlockError('INPUT_INVALID', `what ${source} answered is not a config dump`, {
      hint: 'expected the JSON of Envoy’s /config_dump, with a list "configs"',
    });
  }
  return parseSections(gathered(asObjects(root.configs)));
}

/** With `?resource=dynamic_listeners` the elements of a section stand alone; which list each belongs to. */
const elements: Readonly<Record<string, readonly [section: string, list: string]>> = {
  StaticListener: ['ListenersConfigDump', 'static_listeners'],
  DynamicListener: ['ListenersConfigDump', 'dynamic_listeners'],
  StaticCluster: ['ClustersConfigDump', 'static_clusters'],
  DynamicCluster: ['ClustersConfigDump', 'dynamic_active_clusters'],
  StaticEndpointConfig: ['EndpointsConfigDump', 'static_endpoint_configs'],
  DynamicEndpointConfig: ['EndpointsConfigDump', 'dynamic_endpoint_configs'],
  StaticSecret: ['SecretsConfigDump', 'static_secrets'],
  DynamicSecret: ['SecretsConfigDump', 'dynamic_active_secrets'],
};

/** Puts elements that stand alone back into sections. */
function gathered(configs: readonly JsonObject[]): readonly JsonObject[] {
  return configs.map((config) => {
    const element = elements[typed(config).type];
    return element === undefined ? config : { '@type': element[0], [element[1]]: [config] };
  });
}

function parseSections(sections: readonly JsonObject[]): EnvoyDump {
  const of = (type: string): readonly JsonObject[] =>
    sections.filter((section) => typed(section).type === type);
  const listeners = of('ListenersConfigDump');
  const clusters = of('ClustersConfigDump');
  const endpoints = of('EndpointsConfigDump');
  const node = path(of('BootstrapConfigDump')[0], 'bootstrap', 'node');
  const metadata = field(node, 'metadata');
  return {
    kind: 'envoy',
    hasListeners: listeners.length > 0,
    listeners: listeners.flatMap(readListeners),
    hasClusters: clusters.length > 0,
    clusters: clusters.flatMap(readClusters),
    hasEndpoints: endpoints.length > 0,
    endpoints: endpoints.flatMap(readEndpoints),
    secrets: of('SecretsConfigDump').flatMap(readSecrets),
    node: { id: asText(field(node, 'id')) ?? '', metadata: isObject(metadata) ? metadata : {} },
  };
}

function readListeners(section: JsonObject): readonly ListenerStates[] {
  const fixed = asObjects(field(section, 'static_listeners')).map((entry): ListenerStates => {
    const active = listenerIn(entry);
    return {
      name: asText(field(active, 'name')) ?? '',
      isStatic: true,
      ...(active === undefined ? {} : { active }),
    };
  });
  const dynamic = asObjects(field(section, 'dynamic_listeners')).map(readDynamicListener);
  return [...fixed, ...dynamic, ...readOldListeners(section)];
}

function readDynamicListener(entry: JsonObject): ListenerStates {
  const active = listenerIn(field(entry, 'active_state'));
  const warming = listenerIn(field(entry, 'warming_state'));
  const draining = listenerIn(field(entry, 'draining_state'));
  const activeVersion = asText(path(entry, 'active_state', 'version_info'));
  const error = field(entry, 'error_state');
  const shown = field(entry, 'name') ?? field(active ?? warming ?? draining, 'name');
  return {
    // A mask (`?mask=active_state`) may leave it out.
    name: asText(shown) ?? '',
    isStatic: false,
    ...(active === undefined ? {} : { active }),
    ...(activeVersion === undefined ? {} : { activeVersion }),
    ...(warming === undefined ? {} : { warming }),
    ...(draining === undefined ? {} : { draining }),
    ...(isObject(error)
      ? {
          error: {
            details: asText(field(error, 'details')) ?? '',
            version: asText(field(error, 'version_info')) ?? '',
            at: asText(field(error, 'last_update_attempt')) ?? '',
          },
        }
      : {}),
  };
}

/** Before Envoy 1.13 each state was a list of its own. */
function readOldListeners(section: JsonObject): readonly ListenerStates[] {
  const states = new Map<string, { -readonly [Key in keyof ListenerStates]: ListenerStates[Key] }>();
  for (const state of ['active', 'warming', 'draining'] as const) {
    for (const entry of asObjects(field(section, `dynamic_${state}_listeners`))) {
      const listener = listenerIn(entry);
      const name = asText(field(listener, 'name')) ?? '';
      const known = states.get(name) ?? { name, isStatic: false };
      states.set(name, listener === undefined ? known : { ...known, [state]: listener });
    }
  }
  return [...states.values()];
}

function listenerIn(state: unknown): JsonObject | undefined {
  const listener = field(state, 'listener');
  return isObject(listener) ? typed(listener).message : undefined;
}

function readClusters(section: JsonObject): readonly JsonObject[] {
  const lists = ['static_clusters', 'dynamic_active_clusters'];
  return lists
    .flatMap((list) => asObjects(field(section, list)))
    .map((entry) => field(entry, 'cluster'))
    .filter(isObject);
}

function readEndpoints(section: JsonObject): readonly JsonObject[] {
  const lists = ['static_endpoint_configs', 'dynamic_endpoint_configs'];
  return lists
    .flatMap((list) => asObjects(field(section, list)))
    .map((entry) => field(entry, 'endpoint_config'))
    .filter(isObject);
}

function readSecrets(section: JsonObject): readonly SecretState[] {
  const lists = [
    ['static_secrets', 'active'],
    ['dynamic_active_secrets', 'active'],
    ['dynamic_warming_secrets', 'warming'],
  ] as const;
  return lists.flatMap(([list, state]) =>
    asObjects(field(section, list)).map((entry): SecretState => {
      const secret = field(entry, 'secret');
      return {
        name: asText(field(entry, 'name')) ?? '',
        state,
        lastUpdated: asText(field(entry, 'last_updated')) ?? '',
        secret: isObject(secret) ? typed(secret).message : {},
      };
    }),
  );
}
