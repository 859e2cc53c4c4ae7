/** What of an object decides about mutual TLS, and the few words about it that a line has room for. */
import { parse } from 'yaml';
import type { KubeObject } from '../istio/kubernetes.ts';
import { asObject, asObjects, asText, dig, isObject } from '../sources/json-value.ts';

export interface TrackedKind {
  /** kubectl's name of the resource. */
  readonly resource: string;
  /** Policies are told apart from everything else. */
  readonly event: 'policy' | 'mesh';
  /** Everything that counts; what is left out of it may change without a word. */
  readonly counts: (object: KubeObject) => unknown;
  readonly says: (object: KubeObject) => string;
}

const spec = (object: KubeObject): unknown => object.spec ?? {};

function istio(
  plural: string,
  event: TrackedKind['event'],
  says: TrackedKind['says'],
  group = 'networking.istio.io',
): TrackedKind {
  return { resource: `${plural}.${group}`, event, counts: spec, says };
}

const security = 'security.istio.io';

/** By kind; a kind of another group that is called the same is not meant (`isTracked`). */
const tracked: Readonly<Record<string, TrackedKind>> = {
  PeerAuthentication: istio('peerauthentications', 'policy', modesOf, security),
  AuthorizationPolicy: istio('authorizationpolicies', 'policy', actionOf, security),
  RequestAuthentication: istio('requestauthentications', 'policy', () => '', security),
  DestinationRule: istio('destinationrules', 'policy', tlsOf),
  Sidecar: istio('sidecars', 'policy', (object) => {
    const listeners = asObjects(dig(object, 'spec', 'ingress'));
    const tls = listeners.some(({ tls: settings }) => settings !== undefined);
    return tls ? 'it ends TLS at ports of its own' : '';
  }),
  ServiceEntry: istio('serviceentries', 'policy', (object) => hosts(object)),
  VirtualService: istio('virtualservices', 'policy', (object) => hosts(object)),
  Gateway: istio('gateways', 'policy', () => ''),
  // Its patches may hold anything, credentials included.
  EnvoyFilter: istio('envoyfilters', 'policy', () => 'it may change any listener'),
  Namespace: {
    resource: 'namespaces',
    event: 'mesh',
    counts: (object) => namespaceLabels(object),
    says: (object) => {
      const labels = namespaceLabels(object).map(([name, value]) => `${name}=${value}`);
      return labels.length === 0 ? 'no label asks for a sidecar' : labels.join(', ');
    },
  },
  Service: {
    resource: 'services',
    event: 'mesh',
    counts: (object) => [
      dig(object, 'spec', 'ports'),
      dig(object, 'spec', 'selector'),
      dig(object, 'spec', 'type'),
      dig(object, 'spec', 'clusterIP') === 'None',
      object.metadata.annotations?.['networking.istio.io/exportTo'],
    ],
    says: (object) => {
      const ports = asObjects(dig(object, 'spec', 'ports'));
      return ports
        .map(({ name, port, targetPort }) => {
          const target = targetPort === undefined || targetPort === port ? '' : ` to ${String(targetPort)}`;
          return `${asText(name) ?? 'port'} ${String(port)}${target}`;
        })
        .join(', ');
    },
  },
  ConfigMap: {
    resource: 'configmaps',
    event: 'mesh',
    counts: (object) => dig(object, 'data', 'mesh'),
    says: () => '',
  },
};

/** @returns undefined for what decides nothing */
export function trackedKind({ kind, apiVersion, metadata }: KubeObject): TrackedKind | undefined {
  const found = Object.hasOwn(tracked, kind) ? tracked[kind] : undefined;
  if (found === undefined) return undefined;
  const dot = found.resource.indexOf('.');
  const group = dot === -1 ? '' : found.resource.slice(dot + 1);
  const own = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  if (own !== group) return undefined;
  if (kind === 'ConfigMap' && !/^istio(-|$)/.test(metadata.name)) return undefined;
  return found;
}

/** Names of the settings that differ between two mesh configs; values may be credentials. */
export function changedSettings(before: string, after: string): string {
  const [old, now] = [settingsOf(before), settingsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name])).join(', ');
}

function settingsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parse(text);
    return isObject(value) ? value : {};
  } catch (error) {
    // What istiod could not read either is told by `padlock check`.
    if (error instanceof Error && error.name === 'YAMLParseError') return {};
    throw error;
  }
}

const labelNames = /^(istio-injection|istio\.io\/(rev|dataplane-mode|use-waypoint))$/;

function namespaceLabels({ metadata }: KubeObject): readonly (readonly [string, string])[] {
  return Object.entries(metadata.labels ?? {})
    .filter(([name]) => labelNames.test(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function modesOf(object: KubeObject): string {
  const mode = asText(dig(object, 'spec', 'mtls', 'mode')) ?? 'UNSET';
  const ports = Object.entries(asObject(dig(object, 'spec', 'portLevelMtls'))).map(
    ([port, value]) => `${port}: ${asText(dig(value, 'mode')) ?? 'UNSET'}`,
  );
  return [mode, ...ports].join(', ');
}

function actionOf(object: KubeObject): string {
  const dryRun = object.metadata.annotations?.['istio.io/dry-run'] === 'true' ? ' (dry run)' : '';
  return `${asText(dig(object, 'spec', 'action')) ?? 'ALLOW'}${dryRun}`;
}

function tlsOf(object: KubeObject): string {
  const host = asText(dig(object, 'spec', 'host')) ?? '';
  const tls = asText(dig(object, 'spec', 'trafficPolicy', 'tls', 'mode'));
  return tls === undefined ? host : `${host}: ${tls}`;
}

function hosts(object: KubeObject): string {
  const list = dig(object, 'spec', 'hosts');
  const names = Array.isArray(list) ? list.filter((host) => typeof host === 'string') : [];
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
