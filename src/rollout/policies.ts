/** The policies that a rollout writes: which object decides today, what it is to say, and what it said before. */
import { PadlockError } from '../errors.ts';
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import { byCreation } from '../istio/metadata.ts';
import type { MtlsMode } from '../istio/peer-authentication.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { asObject, asText, dig } from '../sources/json-value.ts';
import { findObject } from './after.ts';
import { apiVersionOf, resourceOf, type Write } from './write.ts';

const madeByPadlock = { 'app.kubernetes.io/managed-by': 'padlock' } as const;

/** A write and the one that takes it back. */
export interface Reversible {
  readonly write: Write;
  readonly undo: Write;
}

/** The namespace's policy that counts: the oldest without a selector. A new one would be ignored beside it. */
export function decidingPolicy(mesh: Mesh, namespace: string): ObjectRef | undefined {
  return mesh.peerAuthentications
    .filter((policy) => policy.namespace === namespace && policy.selector.labels === undefined)
    .toSorted(byCreation)[0]?.ref;
}

/**
 * Sets the mode of the whole namespace: in the policy that decides today, or in a new one named `default`.
 * @param previous the plan's earlier write to the same policy: what taking this one back returns to
 */
export function setNamespaceMode(
  mesh: Mesh,
  namespace: string,
  mode: MtlsMode,
  previous?: Write,
): Reversible {
  const name = decidingPolicy(mesh, namespace)?.name ?? 'default';
  const { write, undo } = setMode(mesh, { kind: 'PeerAuthentication', namespace, name }, mode, undefined);
  return { write, undo: previous ?? undo };
}

/** Sets the mode of the pods with these labels, in a policy of the given name that is Padlock's own. */
export function setWorkloadMode(
  mesh: Mesh,
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  mode: MtlsMode,
): Reversible {
  // To Istio an empty selector is none: the policy would be the whole namespace's.
  if (Object.keys(labels).length === 0) {
    throw new PadlockError(
      'INPUT_INVALID',
      `no labels select the pods for PeerAuthentication ${namespace}/${name}`,
      {
        hint: 'give the pod template a label, so that a policy can name its pods',
      },
    );
  }
  return setMode(mesh, { kind: 'PeerAuthentication', namespace, name }, mode, labels);
}

function setMode(
  mesh: Mesh,
  ref: ObjectRef,
  mode: MtlsMode,
  selector: Readonly<Record<string, string>> | undefined,
): Reversible {
  const before = findObject(mesh, ref.kind, ref.namespace, ref.name);
  const spec = { ...(selector === undefined ? {} : { selector: { matchLabels: selector } }), mtls: { mode } };
  const write: Write = { kind: 'apply', manifest: policy(ref, spec, before === undefined) };
  if (before === undefined) return { write, undo: { kind: 'delete', manifest: policy(ref, {}, false) } };
  return { write, undo: restoring(ref, before) };
}

/** What was written: the mode, or its absence. An apply that no longer names the mode would leave `spec: null` for `spec: {}`. */
function restoring(ref: ObjectRef, before: KubeObject): Write {
  const mtls = dig(before, 'spec', 'mtls');
  const mode = asText(dig(mtls, 'mode'));
  if (mode !== undefined) return { kind: 'apply', manifest: policy(ref, { mtls: { mode } }, false) };
  return {
    kind: 'merge',
    manifest: policy(ref, { mtls: mtls === undefined ? null : { mode: null } }, false),
  };
}

/** The name of the rule that keeps clients on plaintext while servers leave DISABLE. */
export const holdRuleName = 'padlock-hold-plaintext';

/**
 * Keeps every client on plaintext for every host of the namespace. Leaving DISABLE goes: this rule, PERMISSIVE, the rule
 * removed. Without it clients and servers switch at different moments and requests are lost (measured on a real mesh).
 */
export function holdPlaintext(namespace: string, clusterDomain: string): Reversible {
  const ref = { kind: 'DestinationRule', namespace, name: holdRuleName };
  const spec = {
    host: `*.${namespace}.svc.${clusterDomain}`,
    trafficPolicy: { tls: { mode: 'DISABLE' } },
  };
  return {
    write: { kind: 'apply', manifest: policy(ref, spec, true) },
    undo: { kind: 'delete', manifest: policy(ref, {}, false) },
  };
}

function policy(ref: ObjectRef, spec: KubeObject['spec'], created: boolean): KubeObject {
  return {
    apiVersion: apiVersionOf(resourceOf(ref.kind)),
    kind: ref.kind,
    metadata: {
      name: ref.name,
      ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
      ...(created ? { labels: madeByPadlock } : {}),
    },
    ...(Object.keys(asObject(spec)).length === 0 ? {} : { spec }),
  };
}
