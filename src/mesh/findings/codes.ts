/**
 * The closed list of findings. A code never changes its meaning and is never used again: people suppress by it.
 * Tables over codes say `satisfies Record<FindingCode, ...>`, so that a code without its check, its page or its rule
 * does not compile.
 */
import type { Severity } from './finding.ts';

/** What a finding is about: the line of the summary under which it is counted. */
export type FindingGroup = 'policies' | 'clients' | 'workloads' | 'services' | 'ambient' | 'input';

/** In the order of the summary. */
export const findingGroups = {
  policies: 'PeerAuthentications',
  clients: 'what clients send',
  workloads: 'workloads and sidecars',
  services: 'services and authorization',
  ambient: 'ambient mode',
  input: 'what was read',
} as const satisfies Record<FindingGroup, string>;

export interface FindingKind {
  /** The page's folder and heading: `PL001-ignored-for-older`. */
  readonly name: string;
  /** A phrase without names: the SARIF rule's short description and the documentation page's title. */
  readonly title: string;
  /** The worst severity it is reported with. A single finding may be milder, where its page says so. */
  readonly severity: Severity;
  readonly group: FindingGroup;
}

export const findingKinds = {
  PL001: {
    name: 'ignored-for-older',
    title: 'Policy is ignored because an older one exists at its level',
    severity: 'error',
    group: 'policies',
  },
  PL002: {
    name: 'selector-matches-nothing',
    title: 'Selector matches no workload',
    severity: 'warning',
    group: 'policies',
  },
  PL003: {
    name: 'selector-in-root-namespace',
    title: 'Policy with a selector in the root namespace has no effect',
    severity: 'error',
    group: 'policies',
  },
  PL004: {
    name: 'port-not-a-container-port',
    title: 'portLevelMtls names a port that is no container port',
    severity: 'error',
    group: 'policies',
  },
  PL005: {
    name: 'port-level-without-selector',
    title: 'portLevelMtls without a selector has no effect',
    severity: 'error',
    group: 'policies',
  },
  PL006: {
    name: 'permissive',
    title: 'PERMISSIVE accepts plaintext',
    severity: 'warning',
    group: 'policies',
  },
  PL007: {
    name: 'disable',
    title: 'DISABLE turns mutual TLS off',
    severity: 'warning',
    group: 'policies',
  },
  PL008: {
    name: 'no-policy',
    title: 'No policy sets a mode: plaintext is accepted by default',
    severity: 'warning',
    group: 'policies',
  },
  PL009: {
    name: 'several-at-one-level',
    title: 'Several policies for a whole namespace or mesh',
    severity: 'warning',
    group: 'policies',
  },
  PL010: {
    name: 'other-revision',
    title: 'Resource is for another revision of the control plane',
    severity: 'warning',
    group: 'policies',
  },
  PL011: {
    name: 'rule-refused',
    title: 'DestinationRule makes clients send what the server refuses',
    severity: 'error',
    group: 'clients',
  },
  PL012: {
    name: 'rule-to-disabled-server',
    title: 'DestinationRule sends mutual TLS to a port where it is disabled',
    severity: 'error',
    group: 'clients',
  },
  PL013: {
    name: 'rule-to-no-sidecar',
    title: 'DestinationRule sends mutual TLS to endpoints without a sidecar',
    severity: 'error',
    group: 'clients',
  },
  PL014: {
    name: 'rule-gives-up-mtls',
    title: 'DestinationRule gives up mutual TLS that the server accepts',
    severity: 'warning',
    group: 'clients',
  },
  PL015: {
    name: 'credential-name-on-sidecar',
    title: 'credentialName is ignored on sidecars: plaintext is sent',
    severity: 'error',
    group: 'clients',
  },
  PL016: {
    name: 'rule-hidden',
    title: 'DestinationRule is hidden by another one',
    severity: 'warning',
    group: 'clients',
  },
  PL017: {
    name: 'strict-in-disabled-namespace',
    title: 'STRICT workload in a namespace where clients send plaintext',
    severity: 'error',
    group: 'clients',
  },
  PL018: {
    name: 'headless-exception',
    title: 'Clients of a headless service do not see an exception',
    severity: 'error',
    group: 'clients',
  },
  PL019: {
    name: 'excluded-outbound',
    title: 'Outbound traffic bypasses the sidecar and is plaintext',
    severity: 'error',
    group: 'clients',
  },
  PL020: {
    name: 'auto-mtls-off',
    title: 'Auto mutual TLS is off in the mesh configuration',
    severity: 'error',
    group: 'clients',
  },
  PL021: {
    name: 'no-sidecar-in-strict',
    title: 'STRICT does not protect a workload without a sidecar',
    severity: 'error',
    group: 'workloads',
  },
  PL022: {
    name: 'not-injected-yet',
    title: 'Pod has no sidecar although its labels ask for one',
    severity: 'warning',
    group: 'workloads',
  },
  PL023: {
    name: 'injection-conflict',
    title: 'Injection labels or annotations contradict each other',
    severity: 'warning',
    group: 'workloads',
  },
  PL024: {
    name: 'excluded-inbound-port',
    title: 'Inbound port is excluded from the sidecar',
    severity: 'error',
    group: 'workloads',
  },
  PL025: {
    name: 'included-inbound-ports',
    title: 'Only listed inbound ports go through the sidecar',
    severity: 'error',
    group: 'workloads',
  },
  PL026: {
    name: 'host-network',
    title: 'Pod on the host network is outside the mesh',
    severity: 'warning',
    group: 'workloads',
  },
  PL027: {
    name: 'interception-none',
    title: 'Sidecar does not intercept traffic: policies have no effect',
    severity: 'error',
    group: 'workloads',
  },
  PL028: {
    name: 'tls-mode-label',
    title: 'The tlsMode label says something else than the pod is',
    severity: 'error',
    group: 'workloads',
  },
  PL029: {
    name: 'server-first-permissive',
    title: 'Server-first protocol hangs in plaintext under PERMISSIVE',
    severity: 'warning',
    group: 'workloads',
  },
  PL030: {
    name: 'probes-not-rewritten',
    title: 'Probes are not rewritten and fail under STRICT',
    severity: 'error',
    group: 'workloads',
  },
  PL031: {
    name: 'identity-without-mtls',
    title: 'AuthorizationPolicy needs an identity where plaintext is accepted',
    severity: 'error',
    group: 'services',
  },
  PL032: {
    name: 'external-service-in-mesh',
    title: 'ServiceEntry calls workloads of the mesh external',
    severity: 'warning',
    group: 'services',
  },
  PL033: {
    name: 'ambient-disable',
    title: 'DISABLE means PERMISSIVE in ambient mode',
    severity: 'info',
    group: 'ambient',
  },
  PL034: {
    name: 'ambient-empty-selector',
    title: 'An empty selector means something else in ambient mode',
    severity: 'error',
    group: 'ambient',
  },
  PL035: {
    name: 'ambient-port-exception',
    title: 'Port-level mode works differently in ambient mode',
    severity: 'error',
    group: 'ambient',
  },
  PL036: {
    name: 'ambient-to-sidecar',
    title: 'Ambient clients send plaintext to a STRICT sidecar',
    severity: 'error',
    group: 'ambient',
  },
  PL037: {
    name: 'deprecated-api-version',
    title: 'Deprecated API version',
    severity: 'info',
    group: 'input',
  },
  PL038: {
    name: 'invalid-field',
    title: 'Field is unknown or has a wrong value',
    severity: 'error',
    group: 'input',
  },
  PL039: {
    name: 'not-seen',
    title: 'Something could not be read',
    severity: 'warning',
    group: 'input',
  },
  PL040: {
    name: 'suppression',
    title: 'Suppression is expired, without a reason, or not readable',
    severity: 'warning',
    group: 'input',
  },
} as const satisfies Record<`PL0${number}`, FindingKind>;

export type FindingCode = keyof typeof findingKinds;

export const findingCodes: readonly FindingCode[] = Object.keys(findingKinds).filter(isFindingCode);

/** Tells a code from any other text, as people type it after `--ignore`. */
export function isFindingCode(text: string): text is FindingCode {
  return Object.hasOwn(findingKinds, text);
}

/** The documentation page of a code, as a path in this package. */
export function findingPage(code: FindingCode): string {
  return `docs/findings/${code}.md`;
}
