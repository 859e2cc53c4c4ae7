/** Every check by its code, and the one place where they are run. */
import { formatRef } from '../../istio/kubernetes.ts';
import { compare } from '../../istio/metadata.ts';
import type { Mesh } from '../mesh.ts';
import type { Check } from './check.ts';
import type { FindingCode } from './codes.ts';
import { type Finding, severities } from './finding.ts';
import { ignoredForOlder } from './PL001-ignored-for-older/check.ts';
import { selectorMatchesNothing } from './PL002-selector-matches-nothing/check.ts';
import { selectorInRootNamespace } from './PL003-selector-in-root-namespace/check.ts';
import { portNotAContainerPort } from './PL004-port-not-a-container-port/check.ts';
import { portLevelWithoutSelector } from './PL005-port-level-without-selector/check.ts';
import { permissive } from './PL006-permissive/check.ts';
import { disable } from './PL007-disable/check.ts';
import { noPolicy } from './PL008-no-policy/check.ts';
import { severalAtOneLevel } from './PL009-several-at-one-level/check.ts';
import { otherRevision } from './PL010-other-revision/check.ts';
import { ruleRefused } from './PL011-rule-refused/check.ts';
import { ruleToDisabledServer } from './PL012-rule-to-disabled-server/check.ts';
import { ruleToNoSidecar } from './PL013-rule-to-no-sidecar/check.ts';
import { ruleGivesUpMtls } from './PL014-rule-gives-up-mtls/check.ts';
import { credentialNameOnSidecar } from './PL015-credential-name-on-sidecar/check.ts';
import { ruleHidden } from './PL016-rule-hidden/check.ts';
import { strictInDisabledNamespace } from './PL017-strict-in-disabled-namespace/check.ts';
import { headlessException } from './PL018-headless-exception/check.ts';
import { excludedOutbound } from './PL019-excluded-outbound/check.ts';
import { autoMtlsOff } from './PL020-auto-mtls-off/check.ts';
import { noSidecarInStrict } from './PL021-no-sidecar-in-strict/check.ts';
import { notInjectedYet } from './PL022-not-injected-yet/check.ts';
import { injectionConflict } from './PL023-injection-conflict/check.ts';
import { excludedInboundPort } from './PL024-excluded-inbound-port/check.ts';
import { includedInboundPorts } from './PL025-included-inbound-ports/check.ts';
import { hostNetwork } from './PL026-host-network/check.ts';
import { interceptionNone } from './PL027-interception-none/check.ts';
import { tlsModeLabelOverridden } from './PL028-tls-mode-label/check.ts';
import { serverFirstPermissive } from './PL029-server-first-permissive/check.ts';
import { probesNotRewritten } from './PL030-probes-not-rewritten/check.ts';
import { identityWithoutMtls } from './PL031-identity-without-mtls/check.ts';
import { externalServiceInMesh } from './PL032-external-service-in-mesh/check.ts';
import { ambientDisable } from './PL033-ambient-disable/check.ts';
import { ambientEmptySelector } from './PL034-ambient-empty-selector/check.ts';
import { ambientPortException } from './PL035-ambient-port-exception/check.ts';
import { ambientToSidecar } from './PL036-ambient-to-sidecar/check.ts';
import { deprecatedApiVersion } from './PL037-deprecated-api-version/check.ts';
import { invalidField } from './PL038-invalid-field/check.ts';
import { notSeen } from './PL039-not-seen/check.ts';
import { type IgnoreRule, type Sifted, suppress } from './suppression.ts';

/** PL040 is about suppressions themselves: `suppress` makes it, because it needs to know the day. */
export const checks = {
  PL001: ignoredForOlder,
  PL002: selectorMatchesNothing,
  PL003: selectorInRootNamespace,
  PL004: portNotAContainerPort,
  PL005: portLevelWithoutSelector,
  PL006: permissive,
  PL007: disable,
  PL008: noPolicy,
  PL009: severalAtOneLevel,
  PL010: otherRevision,
  PL011: ruleRefused,
  PL012: ruleToDisabledServer,
  PL013: ruleToNoSidecar,
  PL014: ruleGivesUpMtls,
  PL015: credentialNameOnSidecar,
  PL016: ruleHidden,
  PL017: strictInDisabledNamespace,
  PL018: headlessException,
  PL019: excludedOutbound,
  PL020: autoMtlsOff,
  PL021: noSidecarInStrict,
  PL022: notInjectedYet,
  PL023: injectionConflict,
  PL024: excludedInboundPort,
  PL025: includedInboundPorts,
  PL026: hostNetwork,
  PL027: interceptionNone,
  PL028: tlsModeLabelOverridden,
  PL029: serverFirstPermissive,
  PL030: probesNotRewritten,
  PL031: identityWithoutMtls,
  PL032: externalServiceInMesh,
  PL033: ambientDisable,
  PL034: ambientEmptySelector,
  PL035: ambientPortException,
  PL036: ambientToSidecar,
  PL037: deprecatedApiVersion,
  PL038: invalidField,
  PL039: notSeen,
} as const satisfies Record<Exclude<FindingCode, 'PL040'>, Check>;

export interface CheckOptions {
  readonly rules: readonly IgnoreRule[];
  /** A date, `2027-01-31`. */
  readonly today: string;
  /** Only findings about these namespaces, or about workloads in them. Absent: all. */
  readonly namespaces?: readonly string[];
}

/** Runs every check and sorts what they found: worst first, then by code and resource. Parts off what is suppressed. */
export function runChecks(mesh: Mesh, { rules, today, namespaces }: CheckOptions): Sifted {
  const found = Object.values(checks).flatMap((check: Check) => check(mesh));
  const { findings, suppressed } = suppress(mesh.snapshot, found, rules, today);
  const wanted = (finding: Finding): boolean =>
    namespaces === undefined || concerns(finding, new Set(namespaces));
  return {
    findings: findings.filter(wanted).sort(worstFirst),
    suppressed: suppressed
      .filter(({ finding }) => wanted(finding))
      .sort((a, b) => worstFirst(a.finding, b.finding)),
  };
}

function concerns({ resource, affected }: Finding, namespaces: ReadonlySet<string>): boolean {
  if (resource.kind === 'Namespace') return namespaces.has(resource.name);
  if (resource.namespace !== undefined && namespaces.has(resource.namespace)) return true;
  return affected.some(({ namespace }) => namespace !== undefined && namespaces.has(namespace));
}

function worstFirst(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    compare(a.code, b.code) ||
    compare(formatRef(a.resource), formatRef(b.resource)) ||
    compare(a.field ?? '', b.field ?? '')
  );
}
