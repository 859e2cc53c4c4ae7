/**
 * PL038: fields of Istio's resources that are unknown, of a wrong type, or hold a word that Istio does not know. An API server with Istio's CRDs refuses most
 * of them, and drops unknown fields without a word unless it is asked to be strict (Kubernetes, "Field validation").
 */
import type { Mesh, ObjectProblem } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding, Fix, Json } from '../finding.ts';
import { nameOf } from '../wording.ts';
import { unknownFields } from './unknown-fields.ts';

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
  if (meant === undefined || /[[\]]/.test(field)) {
    return { text: 'Correct the value, or remove the field.', changes: [] };
  }
  return {
    text: `Write ${meant}, in capital letters.`,
    changes: [{ kind: 'merge-patch', target: resource, patch: nested(field.split('.'), meant) }],
  };
}

function oneUnknown({ subject, field, nearest, value }: ReturnType<typeof unknownFields>[number]): Finding {
  const { ref } = subject;
  const path = field.split('.');
  const patchable = !/[[\]]/.test(field);
  const name = path.at(-1) ?? field;
  const parent = path.slice(0, -1);
  return finding('PL038', subject, {
    message: `${field} of ${ref.kind} ${nameOf(ref)} is no field of Istio's${nearest === undefined ? '' : `; ${nearest} is`}.`,
    field,
    why: 'The API server drops it without a word: what it says has no effect.',
    fix: {
      text: nearest === undefined ? `Remove ${name}.` : `Write ${nearest} instead of ${name}.`,
      changes: patchable
        ? [
            {
              kind: 'merge-patch',
              target: ref,
              patch: nested(parent, { [name]: null, ...(nearest === undefined ? {} : { [nearest]: value }) }),
            },
          ]
        : [],
    },
  });
}

/** `['spec', 'mtls']` and a value: `{ spec: { mtls: value } }`. */
function nested(path: readonly string[], value: Json): Json {
  return path.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
}
