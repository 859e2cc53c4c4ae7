/** Where the graph must say "unknown" because the policies that decide were not seen. */
import { formatRef } from '../../istio/kubernetes.ts';
import type { Mesh } from '../mesh.ts';

export interface BlindSpots {
  /** Why nothing can be said about what workloads of a namespace accept; undefined where their policies were seen. */
  inbound(namespace: string): string | undefined;
  /** Why nothing can be said about calls from one namespace to another; undefined where everything was seen. */
  between(client: string, server: string): string | undefined;
}

const peerAuthentications = 'peerauthentications.security.istio.io';
const destinationRules = 'destinationrules.networking.istio.io';

/**
 * @param asked the namespaces that were asked about: where listing everything was refused, these and the root namespace were
 *   read one by one. Absent: all.
 */
export function blindSpots(mesh: Mesh, asked: readonly string[] | undefined): BlindSpots {
  const { unseen } = mesh.snapshot;
  const read = new Set([...(asked ?? []), mesh.config.rootNamespace]);
  const unread = (resource: string, namespace: string): string | undefined => {
    const entry = unseen.find(
      (one) =>
        one.resource === resource &&
        (one.namespace === undefined ? !read.has(namespace) : one.namespace === namespace),
    );
    return entry === undefined ? undefined : `${resource} of ${namespace} could not be read: ${entry.reason}`;
  };
  const root = unread(peerAuthentications, mesh.config.rootNamespace);
  const known = new Map<string, string | undefined>();
  return {
    inbound: (namespace) => root ?? unread(peerAuthentications, namespace),
    between(client, server) {
      if (unseen.length === 0) return undefined;
      const key = `${client} ${server}`;
      if (!known.has(key)) {
        known.set(
          key,
          root ??
            unread(peerAuthentications, server) ??
            unread(destinationRules, client) ??
            unread(destinationRules, server) ??
            unread(destinationRules, mesh.config.rootNamespace),
        );
      }
      return known.get(key);
    },
  };
}

/** A sentence for each thing that was not read. */
export function unseenSentences(mesh: Mesh): readonly string[] {
  return mesh.snapshot.unseen.map(({ resource, namespace, reason }) =>
    namespace === undefined
      ? `${resource}: ${reason}`
      : `${formatRef({ kind: resource, name: namespace })}: ${reason}`,
  );
}
