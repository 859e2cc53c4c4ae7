/**
 * PL028: the label `security.istio.io/tlsMode`, by which clients know which endpoints take mutual TLS. Injection sets it and keeps a value
 * that is already there; istiod believes it without looking at the pod.
 */
import { tlsModeLabel } from '../../../istio/auto-mtls.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { isFinished } from '../mesh-membership.ts';
import { strictDemand } from '../strict-demands.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { nameOf, workloadRef } from '../wording.ts';

export function tlsModeLabelOverridden(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    const value = workload.labels[tlsModeLabel];
    if (isFinished(workload) || workload.from === 'workload-entry') return [];
    if (workload.dataplane === 'sidecar') {
      const missing = value === undefined && workload.from === 'pods';
      return (value === undefined || value === 'istio') && !missing
        ? []
        : [withSidecar(mesh, workload, value)];
    }
    return workload.dataplane === 'none' && value === 'istio' ? [withoutSidecar(workload)] : [];
  });
}

function withSidecar(mesh: Mesh, workload: Workload, value: string | undefined): Finding {
  const ref = workloadRef(workload);
  const demand = strictDemand(mesh, workload);
  return finding(
    'PL028',
    { ref, origin: workload.pods[0]?.origin ?? workload.origin },
    {
      severity: demand === undefined ? 'warning' : 'error',
      message: `${formatRef(ref)} has a sidecar, but ${value === undefined ? `no label ${tlsModeLabel}` : `its label ${tlsModeLabel} is "${value}"`}: clients send it plaintext.`,
      ...(value === undefined ? {} : { field: podField(workload, `metadata.labels.${tlsModeLabel}`) }),
      why:
        demand === undefined
          ? 'Automatic mutual TLS goes by this label alone, so its traffic is plaintext although both sides could do better.'
          : `The STRICT of ${nameOf(demand.policy.ref)} refuses that: every call through its Service fails.`,
      fix: {
        text:
          value === undefined
            ? 'Restart it, so that injection sets the label.'
            : 'Remove the label from the pod template: injection sets it to "istio".',
        changes: value === undefined ? [] : patchTemplate(workload, { labels: { [tlsModeLabel]: null } }),
      },
      affected: [ref],
    },
  );
}

function withoutSidecar(workload: Workload): Finding {
  const ref = workloadRef(workload);
  return finding(
    'PL028',
    { ref, origin: workload.pods[0]?.origin ?? workload.origin },
    {
      message: `${formatRef(ref)} has no sidecar, but its label ${tlsModeLabel} is "istio": clients send it mutual TLS that it cannot read.`,
      field: podField(workload, `metadata.labels.${tlsModeLabel}`),
      why: 'The control plane believes the label, so every call from a client with a sidecar fails with a TLS error.',
      fix: {
        text: 'Remove the label from the pod template; injection sets it where there is a sidecar.',
        changes: patchTemplate(workload, { labels: { [tlsModeLabel]: null } }),
      },
      affected: [ref],
    },
  );
}
