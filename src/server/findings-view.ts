/** Findings with their fixes, ready for the page. */
import { formatRef } from '../istio/kubernetes.ts';
import { runChecks } from '../mesh/findings/checks.ts';
import { findingKinds } from '../mesh/findings/codes.ts';
import type { Finding } from '../mesh/findings/finding.ts';
import { formatChange } from '../report/fix.ts';
import type { Source } from './source.ts';
import type { FindingsView, FindingView } from './wire.ts';

/** @param today a date: `2027-01-31` */
export function findingsView(source: Source, today: string): FindingsView {
  const { mesh, revision } = source.look;
  const { findings, suppressed } = runChecks(mesh, {
    rules: [],
    today,
    ...(source.namespaces === undefined ? {} : { namespaces: source.namespaces }),
  });
  return { revision, findings: findings.map(findingView), suppressed: suppressed.length };
}

function findingView(finding: Finding): FindingView {
  const { resource, origin } = finding;
  return {
    code: finding.code,
    severity: finding.severity,
    title: findingKinds[finding.code].title,
    message: finding.message,
    resource: formatRef(resource),
    namespace: resource.kind === 'Namespace' ? resource.name : (resource.namespace ?? ''),
    ...(origin?.line === undefined ? {} : { place: `${origin.source}:${origin.line}` }),
    why: finding.why,
    fix: finding.fix.text,
    changes: finding.fix.changes.map(formatChange),
    affected: finding.affected.map(formatRef),
  };
}
