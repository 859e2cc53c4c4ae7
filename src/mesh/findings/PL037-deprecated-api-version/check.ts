/**
 * PL037: resources written for an API version of Istio that has a successor, or that no Istio reads any more. Since Istio 1.22 the security and networking
 * kinds are served as v1 (istio.io, release notes of 1.22); `authentication.istio.io` and `rbac.istio.io` went with 1.6.
 */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh.ts';
import type { SnapshotObject } from '../../snapshot.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { refOfObject } from '../object-ref.ts';
import { nameOf } from '../wording.ts';

/** Kinds that are served as v1, by group; the others of these groups still have only their old version. */
const servedAsV1: Readonly<Record<string, ReadonlySet<string>>> = {
  'security.istio.io': new Set(['PeerAuthentication', 'AuthorizationPolicy', 'RequestAuthentication']),
  'networking.istio.io': new Set([
    'DestinationRule',
    'VirtualService',
    'ServiceEntry',
    'Sidecar',
    'Gateway',
    'WorkloadEntry',
    'WorkloadGroup',
  ]),
  'telemetry.istio.io': new Set(['Telemetry']),
};

/** Groups of Istio before 1.6: an API server that still has their CRDs takes them, and nobody reads them. */
const removedGroups: Readonly<Record<string, string>> = {
  'authentication.istio.io': 'PeerAuthentication (and RequestAuthentication)',
  'rbac.istio.io': 'AuthorizationPolicy',
};

export function deprecatedApiVersion(mesh: Mesh): readonly Finding[] {
  return mesh.snapshot.objects.flatMap((item) => {
    const version: unknown = item.object.apiVersion;
    if (typeof version !== 'string' || !version.includes('.istio.io/')) return [];
    const [group = '', name = ''] = version.split('/');
    const successor = removedGroups[group];
    if (successor !== undefined) return [removed(item, successor)];
    return name !== 'v1' && servedAsV1[group]?.has(item.object.kind) === true
      ? [old(item, `${group}/v1`)]
      : [];
  });
}

function title(object: KubeObject): string {
  return `${object.kind} ${nameOf(refOfObject(object))}`;
}

function old({ object, origin }: SnapshotObject, successor: string): Finding {
  return finding(
    'PL037',
    { ref: refOfObject(object), origin },
    {
      message: `${title(object)} is written for ${object.apiVersion}, which ${successor} has replaced.`,
      field: 'apiVersion',
      why: 'Istio still serves it, and will stop; the fields are the same in v1.',
      fix: { text: `Write apiVersion: ${successor} (Istio 1.22 or newer).`, changes: [] },
    },
  );
}

function removed({ object, origin }: SnapshotObject, successor: string): Finding {
  return finding(
    'PL037',
    { ref: refOfObject(object), origin },
    {
      severity: 'error',
      message: `${title(object)} is of ${object.apiVersion}, which no Istio has read since 1.6.`,
      field: 'apiVersion',
      why: 'It has no effect: what it seems to protect is not protected.',
      fix: {
        text: `Write ${successor} instead, and delete it.`,
        changes: [{ kind: 'delete', target: refOfObject(object) }],
      },
    },
  );
}
