/** Field names that Istio's policy kinds do not have, with the one that was probably meant. */
import { isFields } from '../../../istio/fields.ts';
import { nearestName } from '../../../istio/nearest-name.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { Subject } from '../check.ts';
import type { Json } from '../finding.ts';

/** The names a level may have; `*` for maps with free keys, `true` for what is not looked into. */
interface Shape {
  readonly [field: string]: Shape | true;
}

const selector: Shape = { matchLabels: true };
const mtls: Shape = { mode: true };
const clientTls: Shape = {
  mode: true,
  clientCertificate: true,
  privateKey: true,
  caCertificates: true,
  credentialName: true,
  subjectAltNames: true,
  sni: true,
  insecureSkipVerify: true,
  caCrl: true,
};
const policyLevel: Shape = {
  tls: clientTls,
  loadBalancer: true,
  connectionPool: true,
  outlierDetection: true,
};
const trafficPolicy: Shape = {
  ...policyLevel,
  portLevelSettings: { ...policyLevel, port: { number: true } },
  tunnel: true,
  proxyProtocol: true,
  retryBudget: true,
};
const source: Shape = Object.fromEntries(
  [
    'principals',
    'requestPrincipals',
    'namespaces',
    'serviceAccounts',
    'ipBlocks',
    'remoteIpBlocks',
    'trustDomains',
  ].flatMap((name) => [
    [name, true],
    [`not${name.charAt(0).toUpperCase()}${name.slice(1)}`, true],
  ]),
);
const operation: Shape = Object.fromEntries(
  ['hosts', 'ports', 'methods', 'paths'].flatMap((name) => [
    [name, true],
    [`not${name.charAt(0).toUpperCase()}${name.slice(1)}`, true],
  ]),
);

/** `spec` of each kind (istio.io, reference of PeerAuthentication, DestinationRule and AuthorizationPolicy). */
const specs: Readonly<Record<string, Shape>> = {
  PeerAuthentication: { selector, mtls, portLevelMtls: { '*': mtls } },
  DestinationRule: {
    host: true,
    trafficPolicy,
    subsets: { name: true, labels: true, trafficPolicy },
    exportTo: true,
    workloadSelector: selector,
  },
  AuthorizationPolicy: {
    selector,
    targetRef: true,
    targetRefs: true,
    action: true,
    provider: true,
    rules: { from: { source }, to: { operation }, when: { key: true, values: true, notValues: true } },
  },
};

export interface UnknownField {
  readonly subject: Subject;
  readonly field: string;
  readonly nearest?: string;
  readonly value: Json;
}

/** Unknown fields of the given policies, looked up in the raw objects that they were parsed from. */
export function unknownFields(snapshot: Snapshot, policies: readonly Subject[]): readonly UnknownField[] {
  const subjects = new Map(
    policies.map((subject) => [keyOf(subject.ref.kind, subject.ref.namespace, subject.ref.name), subject]),
  );
  return snapshot.objects.flatMap(({ object, origin }) => {
    const shape = specs[object.kind];
    const subject =
      shape &&
      subjects.get(keyOf(object.kind, object.metadata?.namespace ?? 'default', object.metadata?.name));
    // A duplicate of the same name was replaced by the one that was parsed.
    if (shape === undefined || subject === undefined || subject.origin !== origin) return [];
    return walk(object.spec, shape, 'spec').map((found) => ({ ...found, subject }));
  });
}

function keyOf(kind: string, namespace: string | undefined, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function walk(value: unknown, shape: Shape | true, path: string): readonly Omit<UnknownField, 'subject'>[] {
  if (shape === true) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => walk(item, shape, `${path}[${index}]`));
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const below = Object.hasOwn(shape, name) ? shape[name] : shape['*'];
    if (below !== undefined) return walk(item, below, `${path}.${name}`);
    const nearest = nearestName(
      name,
      Object.keys(shape).filter((known) => !Object.hasOwn(value, known)),
    );
    return [{ field: `${path}.${name}`, value: item as Json, ...(nearest === undefined ? {} : { nearest }) }];
  });
}
