/** A check's findings as short lines, so that a test shows at a glance what is said about its bad input. */
import { readFileSync } from 'node:fs';
import { formatRef } from '../../../istio/kubernetes.ts';
import { buildMesh } from '../../mesh.ts';
import type { Check } from '../check.ts';
import { checks } from '../checks.ts';
import { type FindingCode, findingKinds } from '../codes.ts';
import { type Finding, severities } from '../finding.ts';
import { snapshotOf } from './manifests.ts';

/** `error Deployment shop/cart: MESSAGE` for each finding in the check's bad.yaml, worst first, then as found. */
export function summariesOfBad(code: keyof typeof checks): readonly string[] {
  const folder = `${import.meta.dirname}/../${code}-${findingKinds[code].name}`;
  return summaries(checks[code], readFileSync(`${folder}/bad.yaml`, 'utf8'));
}

/** The same for manifests in a test. */
export function summaries(check: Check, text: string): readonly string[] {
  return [...check(buildMesh(snapshotOf(text)))]
    .sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
    .map(summary);
}

function summary({ severity, resource, message }: Finding): string {
  return `${severity} ${formatRef(resource)}: ${message}`;
}

/** The findings of one code, for tests that look further. */
export function findingsOf(code: FindingCode & keyof typeof checks, text: string): readonly Finding[] {
  return checks[code](buildMesh(snapshotOf(text)));
}
