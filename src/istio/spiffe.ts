/** SPIFFE identities as Istio gives them: `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`. */

export interface WorkloadIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The id of a service account. An `@` in the trust domain becomes a dot, as Istio's certificate authority writes it. */
export function spiffeId(identity: WorkloadIdentity): string {
  const trustDomain = identity.trustDomain.replaceAll('@', '.');
  return `spiffe://${trustDomain}/ns/${identity.namespace}/sa/${identity.serviceAccount}`;
}

/** The parts of an id in Istio's form; undefined for anything else, other SPIFFE ids included. */
export function parseSpiffeId(text: string): WorkloadIdentity | undefined {
  const match = /^spiffe:\/\/([^/?#\s]+)\/ns\/([^/?#\s]+)\/sa\/([^/?#\s]+)$/.exec(text);
  const [, trustDomain, namespace, serviceAccount] = match ?? [];
  if (trustDomain === undefined || namespace === undefined || serviceAccount === undefined) return undefined;
  return { trustDomain, namespace, serviceAccount };
}

/** The id as an AuthorizationPolicy's `principals` write it: without the scheme. */
export function principal(identity: WorkloadIdentity): string {
  return spiffeId(identity).slice('spiffe://'.length);
}

/** Ids that a client accepts from a server: the expected one under the trust domain and each of its aliases. */
export function acceptedIds(identity: WorkloadIdentity, aliases: readonly string[]): readonly string[] {
  return [identity.trustDomain, ...aliases].map((trustDomain) => spiffeId({ ...identity, trustDomain }));
}

/** True when a server lets the client's id in: its trust domain is the mesh's or an alias of it. */
export function trustDomainAccepted(id: string, trustDomain: string, aliases: readonly string[]): boolean {
  return [trustDomain, ...aliases].some((domain) => id.startsWith(`spiffe://${domain}/`));
}
