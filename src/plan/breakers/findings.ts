/** What the findings of `padlock check` say about the mesh as it would be: rules, probes, headless Services, excluded ports. */
import { serviceHost } from '../../istio/hostname.ts';
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import { edgesTo } from '../../mesh/edge.ts';
import type { Check } from '../../mesh/findings/check.ts';
import { checks } from '../../mesh/findings/checks.ts';
import type { FindingCode } from '../../mesh/findings/codes.ts';
import type { Finding } from '../../mesh/findings/finding.ts';
import { servicesOf } from '../../mesh/findings/services-of.ts';
import { portsOf } from '../../mesh/inbound.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Breaker, BreakerInput, BreakerKind, Certainty, ExceptionPort } from '../breaker.ts';
import { wouldRefusePlaintext } from '../strict-ports.ts';

interface Told {
  readonly kind: BreakerKind;
  readonly certainty: Certainty;
  /** Whether opening the affected workloads' ports is an answer at all. */
  readonly excepts: boolean;
}

/** Codes that tell of something that STRICT breaks or does not reach. The others are no matter of STRICT. */
const told: Readonly<Partial<Record<Exclude<FindingCode, 'PL040'>, Told>>> = {
  PL011: { kind: 'destination-rule', certainty: 'breaks', excepts: true },
  PL012: { kind: 'destination-rule', certainty: 'breaks', excepts: false },
  PL013: { kind: 'destination-rule', certainty: 'breaks', excepts: false },
  PL015: { kind: 'destination-rule', certainty: 'breaks', excepts: false },
  PL017: { kind: 'policy', certainty: 'breaks', excepts: false },
  PL018: { kind: 'headless', certainty: 'breaks', excepts: true },
  PL019: { kind: 'client-bypass', certainty: 'breaks', excepts: false },
  PL020: { kind: 'policy', certainty: 'breaks', excepts: false },
  PL028: { kind: 'policy', certainty: 'breaks', excepts: false },
  PL030: { kind: 'probe', certainty: 'breaks', excepts: true },
  PL036: { kind: 'client-bypass', certainty: 'breaks', excepts: true },
  PL024: { kind: 'excluded-port', certainty: 'unprotected', excepts: false },
  PL025: { kind: 'excluded-port', certainty: 'unprotected', excepts: false },
  PL027: { kind: 'excluded-port', certainty: 'unprotected', excepts: false },
};

export function fromFindings({ namespace, target }: BreakerInput): readonly Breaker[] {
  const codes = Object.keys(told) as readonly (keyof typeof told)[];
  return codes.flatMap((code) => {
    const as = told[code];
    const check: Check = checks[code];
    if (as === undefined) return [];
    return check(target)
      .filter((finding) => concerns(finding, namespace))
      .map((finding) => toBreaker(target, namespace, finding, as));
  });
}

/** About what happens in the namespace; what its clients do elsewhere is another namespace's plan. */
function concerns({ resource, affected }: Finding, namespace: string): boolean {
  return affected.length === 0
    ? resource.namespace === namespace
    : affected.some((ref) => ref.namespace === namespace);
}

function toBreaker(target: Mesh, namespace: string, finding: Finding, as: Told): Breaker {
  return {
    kind: as.kind,
    certainty: finding.severity === 'info' ? 'may-break' : as.certainty,
    message: `${finding.message} (${finding.code})`,
    why: finding.why,
    resource: finding.resource,
    ...(finding.field === undefined ? {} : { field: finding.field }),
    ...(finding.origin === undefined ? {} : { origin: finding.origin }),
    remedy: finding.fix.text,
    fix: finding.fix,
    exceptions: as.excepts ? portsAffected(target, namespace, finding) : [],
  };
}

/** The ports where calls would be refused for it; where no call tells, those that the sentence names, else all that would be closed. */
function portsAffected(target: Mesh, namespace: string, finding: Finding): readonly ExceptionPort[] {
  const named = new Set([...finding.message.matchAll(/\bport (\d+)/g)].map(([, port]) => Number(port)));
  const affected = new Set(finding.affected.map((ref: ObjectRef) => formatRef(ref)));
  return target.workloads
    .filter((workload) => workload.namespace === namespace && affected.has(refText(workload)))
    .flatMap((workload) => {
      const closed = portsOf(target, workload).filter((port) => wouldRefusePlaintext(target, workload, port));
      const choices = [closed.filter((port) => named.has(port)), refusedPorts(target, workload)];
      const chosen = choices.find((ports) => ports.length > 0) ?? closed;
      return chosen.map((port) => ({ workload, port }));
    });
}

/** Ports where some client with a proxy would send what is refused. */
function refusedPorts(target: Mesh, workload: Workload): readonly number[] {
  const ports = new Set<number>();
  for (const { service } of servicesOf(target, workload)) {
    const host = serviceHost(service.name, service.namespace, target.config.clusterDomain);
    for (const edge of edgesTo(target, host)) {
      if (edge.server !== workload || edge.outcome !== 'refused' || edge.cause.kind === 'no-proxy') continue;
      ports.add(edge.targetPort);
    }
  }
  return [...ports].toSorted((a, b) => a - b);
}

function refText({ kind, namespace, name }: Workload): string {
  return formatRef({ kind, namespace, name });
}
