/** The shape of a check, and the one way to put a finding together. */
import type { ObjectRef } from '../../istio/kubernetes.ts';
import type { Mesh } from '../mesh.ts';
import type { Origin } from '../snapshot.ts';
import { type FindingCode, findingKinds } from './codes.ts';
import type { Finding, Fix, Related, Severity } from './finding.ts';

/** Looks at a mesh and says what it found. Pure: it never throws, prints or changes anything. */
export type Check = (mesh: Mesh) => readonly Finding[];

/** What a finding is about: any parsed object has both. */
export interface Subject {
  readonly ref: ObjectRef;
  readonly origin?: Origin;
}

/** What differs from finding to finding; what is left out is empty, or as the code's table says. */
export interface FindingParts {
  readonly message: string;
  readonly why: string;
  readonly fix: Fix;
  readonly severity?: Severity;
  readonly field?: string;
  readonly related?: readonly Related[];
  readonly affected?: readonly ObjectRef[];
}

export function finding(code: FindingCode, { ref, origin }: Subject, parts: FindingParts): Finding {
  return {
    code,
    severity: parts.severity ?? findingKinds[code].severity,
    message: parts.message,
    resource: ref,
    ...(origin === undefined ? {} : { origin }),
    ...(parts.field === undefined ? {} : { field: parts.field }),
    why: parts.why,
    fix: parts.fix,
    related: parts.related ?? [],
    affected: parts.affected ?? [],
  };
}

/** A related resource from anything parsed. */
export function related({ ref, origin }: Subject, role: string): Related {
  return { resource: ref, ...(origin === undefined ? {} : { origin }), role };
}
