/**
 * PL038: fields of Istio's resources that are unknown, of a wrong type, or hold a word that Istio does not know. An API server with Istio's CRDs refuses most
 * of them, and drops unknown fields without a word unless it is asked to be strict (Kubernetes, "Field validation").
 */
import type { ObjectRef } from '../../../istio/kubernetes.ts';
import type { Mesh, ObjectProblem } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding, Fix, FixChange, Json } from '../finding.ts';
import { pointer } from '../json-pointer.ts';
import { nameOf } from '../wording.ts';
import { type UnknownField, unknownFields } from './unknown-fields.ts';

/** Kinds of other groups are for other tools to judge; what Padlock reads of them still gets a mild word. */
const policyKinds: ReadonlySet<string> = new Set([
  'PeerAuthentication',
  'DestinationRule',
  'AuthorizationPolicy',
]);

export function invalidField(mesh: Mesh): readonly Finding[] {
  const policies = [...mesh.peerAuthentications, ...mesh.destinationRules, ...mesh.authorizationPolicies];
  return [...mesh.problems.map(oneProblem), ...unknownFields(mesh.snapshot, policies).map(oneUnknown)];
}

function oneProblem(problem: ObjectProblem): Finding {
  const { resource, origin, field, message } = problem;
  const policy = policyKinds.has(resource.kind);
  return finding(
    'PL038',
    { ref: resource, origin },
    {
      severity: policy ? 'error' : 'warning',
      message: `${field} of ${resource.kind} ${nameOf(resource)} ${message}.`,
      field,
      why: policy
        ? 'Istio refuses or ignores it: this part of the policy has no effect.'
        : 'It was left out here, as if it were not written.',
      fix: fixFor(problem),
    },
  );
}

/** A known word in other letters is what was meant: `strict`, `Permissive`. */
function fixFor({ resource, field, message }: ObjectProblem): Fix {
  const match = /^is ("(?:[^"\\]|\\.)*"), not one of (.+)$/.exec(message);
  const written = match?.[1]?.slice(1, -1).toUpperCase();
  const meant = match?.[2]?.split(', ').find((word) => word === written);
  if (meant === undefined) return { text: 'Correct the value, or remove the field.', changes: [] };
  return {
    text: `Write ${meant}, in capital letters.`,
    changes: [
      /\[/.test(field)
        ? {
            kind: 'json-patch',
            target: resource,
            operations: [{ op: 'replace', path: pointer(field), value: meant }],
          }
        : { kind: 'merge-patch', target: resource, patch: nested(field.split('.'), meant) },
    ],
  };
}

function oneUnknown({ subject, field, nearest, value }: UnknownField): Finding {
  const { ref } = subject;
  const name = field.split('.').at(-1) ?? field;
  return finding('PL038', subject, {
    message: `${field} of ${ref.kind} ${nameOf(ref)} is no field of Istio's${nearest === undefined ? '' : `; ${nearest} is`}.`,
    field,
    why: 'The API server drops it without a word: what it says has no effect.',
    fix: {
      text: nearest === undefined ? `Remove ${name}.` : `Write ${nearest} instead of ${name}.`,
      changes: [renaming(ref, field, nearest, value)],
    },
  });
}

/** Inside a list only a JSON patch can change one element. */
function renaming(target: ObjectRef, field: string, nearest: string | undefined, value: Json): FixChange {
  const parent = field.split('.').slice(0, -1);
  const name = field.split('.').at(-1) ?? field;
  if (!/\[/.test(field)) {
    const patch = nested(parent, { [name]: null, ...(nearest === undefined ? {} : { [nearest]: value }) });
    return { kind: 'merge-patch', target, patch };
  }
  const renamed = pointer([...parent, nearest ?? name].join('.'));
  return {
    kind: 'json-patch',
    target,
    operations: [
      { op: 'remove', path: pointer(field) },
      ...(nearest === undefined ? [] : [{ op: 'add' as const, path: renamed, value }]),
    ],
  };
}

/** `['spec', 'mtls']` and a value: `{ spec: { mtls: value } }`. */
function nested(path: readonly string[], value: Json): Json {
  return path.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
}
