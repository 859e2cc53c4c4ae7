/** Reports for the renderers' tests: one with a finding of each severity, and one whose texts are hostile. */
import type { Finding } from '../../../mesh/findings/finding.ts';
import type { CheckReport } from '../check-report.ts';

const ignored: Finding = {
  code: 'PL001',
  severity: 'error',
  message:
    'PeerAuthentication shop/strict is ignored: shop/default is older and counts for the whole namespace.',
  resource: { kind: 'PeerAuthentication', namespace: 'shop', name: 'strict' },
  origin: { source: 'k8s/shop.yaml', line: 10 },
  field: 'spec.mtls.mode',
  why: 'Istio keeps one policy at each level, the oldest, and says nothing about the others: STRICT is written and PERMISSIVE holds.',
  fix: {
    text: 'Set the mode in the policy that counts, and delete this one.',
    changes: [
      {
        kind: 'merge-patch',
        target: { kind: 'PeerAuthentication', namespace: 'shop', name: 'default' },
        patch: { spec: { mtls: { mode: 'STRICT' } } },
      },
      { kind: 'delete', target: { kind: 'PeerAuthentication', namespace: 'shop', name: 'strict' } },
    ],
  },
  related: [
    {
      resource: { kind: 'PeerAuthentication', namespace: 'shop', name: 'default' },
      origin: { source: 'k8s/shop.yaml', line: 1 },
      role: 'the older policy that is used instead',
    },
  ],
  affected: [
    { kind: 'Deployment', namespace: 'shop', name: 'cart' },
    { kind: 'Deployment', namespace: 'shop', name: 'web' },
  ],
};

const noPolicy: Finding = {
  code: 'PL008',
  severity: 'warning',
  message: 'No policy sets a mode for namespace legacy, so its 2 workloads accept plaintext.',
  resource: { kind: 'Namespace', name: 'legacy' },
  why: 'Without a policy Istio is PERMISSIVE.',
  fix: {
    text: 'Say what is meant: STRICT once no client sends plaintext.',
    changes: [
      {
        kind: 'apply',
        manifest: {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: { name: 'default', namespace: 'legacy' },
          spec: { mtls: { mode: 'STRICT' } },
        },
      },
    ],
  },
  related: [],
  affected: [{ kind: 'Deployment', namespace: 'legacy', name: 'db' }],
};

const deprecated: Finding = {
  code: 'PL037',
  severity: 'info',
  message: 'PeerAuthentication shop/default is written for security.istio.io/v1beta1.',
  resource: { kind: 'PeerAuthentication', namespace: 'shop', name: 'default' },
  origin: { source: 'k8s/shop.yaml', line: 1 },
  field: 'apiVersion',
  why: 'A later Istio may stop serving it.',
  fix: { text: 'Write security.istio.io/v1.', changes: [] },
  related: [],
  affected: [],
};

/** An error with a place, a warning without one, a note, and one suppressed finding. */
export const sampleReport: CheckReport = {
  version: '1.2.3',
  source: 'k8s/shop.yaml',
  failOn: 'warning',
  findings: [
    {
      finding: ignored,
      place: { file: 'k8s/shop.yaml', line: 16, column: 11, endColumn: 17, excerpt: '    mode: STRICT' },
    },
    { finding: noPolicy },
    {
      finding: deprecated,
      place: { file: 'k8s/shop.yaml', line: 1, excerpt: 'apiVersion: security.istio.io/v1beta1' },
    },
  ],
  suppressed: [
    {
      finding: { ...noPolicy, resource: { kind: 'Namespace', name: 'old' } },
      suppression: { by: 'annotation', reason: 'moves in May', until: '2027-05-31' },
    },
  ],
  checked: { pods: 12, policies: 1 },
  failures: [],
};

export const cleanReport: CheckReport = { ...sampleReport, findings: [], suppressed: [] };

export const failedReport: CheckReport = {
  ...cleanReport,
  checked: {},
  failures: [
    {
      code: 'YAML_SYNTAX',
      message: 'k8s/shop.yaml cannot be read: a flow map is not closed',
      hint: 'look at line 3',
      position: { file: 'k8s/shop.yaml', line: 3, column: 7 },
    },
  ],
};

/** The same report with every text replaced: what a hostile manifest could put into names and values. */
export function hostileReport(text: string): CheckReport {
  const resource = { kind: 'PeerAuthentication', namespace: text, name: text };
  const finding: Finding = {
    ...ignored,
    message: text,
    why: text,
    resource,
    field: text,
    fix: { text, changes: [{ kind: 'delete', target: resource }] },
    related: [{ resource, role: text, origin: { source: text, line: 1 } }],
    affected: [resource],
  };
  return {
    ...sampleReport,
    source: text,
    findings: [{ finding, place: { file: text || 'f', line: 1, column: 2, endColumn: 4, excerpt: text } }],
    suppressed: [{ finding, suppression: { by: 'annotation', reason: text } }],
    failures: [{ code: 'BUG', message: text, hint: text }],
  };
}
