/** PL023: labels and annotations about injection of which one silently wins (istio.io, "Installing the Sidecar", and the webhook's selectors). */
import { formatRef } from '../../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, type Subject } from '../check.ts';
import type { Finding, FixChange } from '../finding.ts';
import { labelsOfNamespace } from '../mesh-membership.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { workloadRef } from '../wording.ts';

const inject = 'sidecar.istio.io/inject';

export function injectionConflict(mesh: Mesh): readonly Finding[] {
  return [
    ...[...mesh.namespaces.values()].flatMap((namespace) => ofNamespace(namespace, namespace.labels)),
    ...mesh.workloads.flatMap((workload) => ofWorkload(mesh, workload)),
  ];
}

function ofNamespace(subject: Subject, labels: Readonly<Record<string, string>>): readonly Finding[] {
  const injection = labels['istio-injection'];
  const revision = labels['istio.io/rev'];
  const findings: Finding[] = [];
  const { name } = subject.ref;
  const remove = (label: string): readonly FixChange[] => [
    { kind: 'merge-patch', target: subject.ref, patch: { metadata: { labels: { [label]: null } } } },
  ];
  if (injection !== undefined && revision !== undefined) {
    findings.push(
      finding('PL023', subject, {
        message: `Namespace ${name} has both istio-injection=${injection} and istio.io/rev=${revision}: the first wins, and revision ${revision} injects nothing.`,
        field: 'metadata.labels.istio.io/rev',
        why:
          injection === 'enabled'
            ? 'New pods get the sidecar of the default revision, not of the one that is named.'
            : 'New pods get no sidecar at all.',
        fix: {
          text: `Remove istio-injection if revision ${revision} is meant.`,
          changes: remove('istio-injection'),
        },
      }),
    );
  }
  if (injection === 'enabled' && labels['istio.io/dataplane-mode'] === 'ambient') {
    findings.push(
      finding('PL023', subject, {
        message: `Namespace ${name} asks for sidecars (istio-injection=enabled) and for ambient mode: pods with a sidecar are not in ambient mode.`,
        field: 'metadata.labels.istio.io/dataplane-mode',
        why: 'New pods get a sidecar, pods without one are captured by ztunnel: one namespace runs two data planes with different rules.',
        fix: {
          text: 'Remove the label that is not meant; this removes the one for sidecars.',
          changes: remove('istio-injection'),
        },
      }),
    );
  }
  return findings;
}

function ofWorkload(mesh: Mesh, workload: Workload): readonly Finding[] {
  const label = workload.labels[inject];
  const annotation = workload.annotations[inject];
  const revision = workload.labels['istio.io/rev'];
  if (label === undefined && annotation === undefined && revision === undefined) return [];
  const namespace = labelsOfNamespace(mesh, workload.namespace);
  const injection = namespace['istio-injection'];
  const name = formatRef(workloadRef(workload));
  const labelField = podField(workload, `metadata.labels.${inject}`);
  const annotationField = podField(workload, `metadata.annotations.${inject}`);
  const say = (
    message: string,
    field: string,
    why: string,
    text: string,
    changes: readonly FixChange[],
  ): Finding =>
    finding(
      'PL023',
      { ref: workloadRef(workload), origin: workload.pods[0]?.origin ?? workload.origin },
      {
        message,
        field,
        why,
        fix: { text, changes },
        affected: [workloadRef(workload)],
      },
    );
  if (label !== undefined && annotation !== undefined && label !== annotation) {
    return [
      say(
        `${name} has the label ${inject}=${label} and the annotation ${inject}=${annotation}: the label wins.`,
        annotationField,
        'Istio reads the annotation only where there is no label.',
        'Remove the annotation.',
        patchTemplate(workload, { annotations: { [inject]: null } }),
      ),
    ];
  }
  if (label === 'true' && injection !== undefined && injection !== 'enabled') {
    return [
      say(
        `${name} asks for a sidecar by label, but istio-injection=${injection} on namespace ${workload.namespace} forbids it.`,
        labelField,
        'The namespace wins: the pod gets no sidecar, sends and takes plaintext.',
        `Take istio-injection=${injection} off namespace ${workload.namespace}; pods that ask for a sidecar get one then.`,
        [
          {
            kind: 'merge-patch',
            target: { kind: 'Namespace', name: workload.namespace },
            patch: { metadata: { labels: { 'istio-injection': null } } },
          },
        ],
      ),
    ];
  }
  if ((label ?? annotation) === 'true' && workload.hostNetwork) {
    return [
      say(
        `${name} asks for a sidecar and runs on the host network, where none is ever injected.`,
        label === undefined ? annotationField : labelField,
        'The sidecar would capture the traffic of the whole node, so Istio leaves such pods out.',
        'Give up the host network or the wish for a sidecar; this removes the wish.',
        patchTemplate(workload, { labels: { [inject]: null }, annotations: { [inject]: null } }),
      ),
    ];
  }
  if (
    label === undefined &&
    annotation === 'true' &&
    injection === undefined &&
    namespace['istio.io/rev'] === undefined
  ) {
    return [
      say(
        `${name} asks for a sidecar by annotation, which cannot start injection; only the label of that name can.`,
        annotationField,
        'The webhook selects pods by label, so it never sees this one: it gets no sidecar.',
        'Use the label instead.',
        patchTemplate(workload, { labels: { [inject]: 'true' }, annotations: { [inject]: null } }),
      ),
    ];
  }
  const namespaceRevision = injection === 'enabled' ? 'default' : namespace['istio.io/rev'];
  // A running pod's own label is put there by whoever wrote the template; the injector sets an annotation.
  if (revision !== undefined && namespaceRevision !== undefined && revision !== namespaceRevision) {
    return [
      say(
        `${name} asks for revision ${revision}, but its namespace is labelled for ${namespaceRevision}: the namespace wins.`,
        podField(workload, 'metadata.labels.istio.io/rev'),
        "In a namespace with an injection label the pod's own revision is not read.",
        'Remove the label from the pod template, or the one from the namespace.',
        patchTemplate(workload, { labels: { 'istio.io/rev': null } }),
      ),
    ];
  }
  return [];
}
