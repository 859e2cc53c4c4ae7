/** The plan as files for a pull request: a kustomize base with the policies and the exceptions, and the way back beside it. */
import { stringify } from 'yaml';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Exception } from './exceptions.ts';
import type { NamespacePlan } from './namespace-plan.ts';
import type { Target } from './target.ts';

export interface PlanFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly text: string;
}

/**
 * `kustomization.yaml` applies the exceptions that are needed and the policies; the ones that may be are written, too, and stand there as
 * comments. `rollback/` puts back what the policies said before.
 */
export function planFiles(plan: NamespacePlan, target: Target): readonly PlanFile[] {
  const needed = plan.exceptions.filter(({ ports }) => ports.length > 0);
  const possible = plan.exceptions.filter(({ ports }) => ports.length === 0);
  const changedByException = new Set(needed.map(({ policy }) => policy.name));
  const policies = target.policies.filter(
    ({ kind, metadata }) => kind !== 'PeerAuthentication' || !changedByException.has(metadata.name),
  );
  const files = policies.map((policy) => ({ path: fileName(policy), text: yaml(policy) }));
  const exceptions = [...needed, ...possible].map((exception) => ({
    path: `exceptions/${exception.policy.name}.yaml`,
    text: exceptionText(exception),
  }));
  const resources = [
    ...needed.map(({ policy }) => `- exceptions/${policy.name}.yaml`),
    ...possible.map(
      ({ policy }) => `# - exceptions/${policy.name}.yaml  # only if it is called in plaintext`,
    ),
    ...files.map(({ path }) => `- ${path}`),
  ];
  return [
    {
      path: 'kustomization.yaml',
      text: `${comment([
        `padlock plan ${plan.namespace}: ${plan.target}.`,
        `Made ${plan.at} on ${plan.context}; the answer then: ${plan.answer}.`,
        ...plan.notes.filter((note) => /DISABLE/.test(note)),
        'Apply: kubectl apply -k . (or through your pull request). Back: kubectl apply -k rollback',
      ])}${kustomization}resources:\n${resources.join('\n')}\n`,
    },
    ...files,
    ...exceptions,
    ...rollback(plan, target, needed),
  ];
}

/**
 * In the order of the list (kustomize 5, kubectl 1.27): sorted by name, STRICT would come a moment before the exceptions that it
 * needs.
 */
const kustomization = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
sortOptions: { order: fifo }
`;

/** Policies that stood before are put back; new ones are made to say nothing, which is as if they were not there. */
function rollback(plan: NamespacePlan, target: Target, needed: readonly Exception[]): readonly PlanFile[] {
  const before = new Map(target.before.map((object) => [keyOf(object), object]));
  const undone = target.policies
    .map((policy) => before.get(keyOf(policy)) ?? silent(policy))
    .filter((one) => one !== undefined);
  const ofExceptions = needed
    .map(({ before: old, manifest }) => old ?? silent(manifest))
    .filter((one) => one !== undefined);
  const unique = new Map([...undone, ...ofExceptions].map((object) => [keyOf(object), object]));
  const files = [...unique.values()].map((object) => ({
    path: `rollback/${fileName(object)}`,
    text: yaml(object),
  }));
  const names = files.map(({ path }) => `- ${path.slice('rollback/'.length)}`);
  if (names.length === 0) return [];
  const created = target.policies.filter(
    (policy) => !before.has(keyOf(policy)) && silent(policy) === undefined,
  );
  const head = [
    `The way back from ${plan.target}: what the policies said on ${plan.at}.`,
    'Policies that were new are left without a word of their own; they may then be deleted.',
    ...created.map(
      ({ kind, metadata }) => `Delete by hand: ${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
    ),
  ];
  return [
    {
      path: 'rollback/kustomization.yaml',
      text: `${comment(head)}${kustomization}resources:\n${names.join('\n')}\n`,
    },
    ...files,
  ];
}

/** A PeerAuthentication that inherits; undefined for kinds that have no such form. */
function silent(policy: KubeObject): KubeObject | undefined {
  if (policy.kind !== 'PeerAuthentication') return undefined;
  const { spec, apiVersion, kind } = policy;
  const { annotations: _terms, ...metadata } = policy.metadata;
  const selector =
    typeof spec === 'object' && spec !== null && 'selector' in spec ? spec.selector : undefined;
  return {
    apiVersion,
    kind,
    metadata,
    spec: { ...(selector === undefined ? {} : { selector }), mtls: { mode: 'UNSET' } },
  };
}

function exceptionText({ manifest, ports, possible, notes, workload }: Exception): string {
  const lines = [
    `Leaves plaintext open for ${workload.kind} ${workload.namespace}/${workload.name} on these ports only:`,
    ...(ports.length > 0 ? ports : possible).flatMap(({ port, reasons }) =>
      reasons.map((reason) => `  ${port}: ${reason}`),
    ),
    ...(ports.length > 0 && possible.length > 0
      ? [
          'Not in it, because nobody was seen; add the port if it is called in plaintext:',
          ...possible.flatMap(({ port, reasons }) => reasons.map((reason) => `  ${port}: ${reason}`)),
        ]
      : []),
    ...notes.map((note) => `Note: ${note}.`),
  ];
  return comment(lines) + yaml(manifest);
}

/** Names come from the cluster: a line break in one would end the comment. */
function comment(lines: readonly string[]): string {
  return lines.map((line) => `# ${line.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ')}\n`).join('');
}

function yaml(object: KubeObject): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
}

function fileName({ kind, metadata }: KubeObject): string {
  return `${kind.toLowerCase()}-${metadata.name}.yaml`;
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ?? 'default'}/${metadata.name}`;
}
