/** Reads a rollout record, trusting nothing: every write is rebuilt from the few shapes that the planner makes. */
import { PadlockError } from '../errors.ts';
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import { asObject, asObjects, asText, asTextMap, dig, type JsonObject } from '../sources/json-value.ts';
import type { Book } from './book.ts';
import type { Phase, RolloutState, Status } from './machine.ts';
import type { ProofResult, Verdict } from './observer.ts';
import { injectLabel, restartAnnotation } from './owners.ts';
import {
  type LeftOut,
  type MaxErrors,
  type Plan,
  type Proof,
  type Step,
  type StepKind,
  stages,
  type Until,
  type Watch,
} from './plan.ts';
import { holdRuleName } from './policies.ts';
import type { SavedRollout } from './record.ts';
import type { Baseline } from './traffic.ts';
import { apiVersionOf, resourceOf, type Write } from './write.ts';

const statuses = ['running', 'paused', 'done', 'rolled-back', 'stuck'] as const satisfies readonly Status[];
const stepKinds = ['policy', 'label', 'restart'] as const satisfies readonly StepKind[];
const modes = ['STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET'] as const;
/** Labels that a rollout may set on a namespace. */
const namespaceLabels: ReadonlySet<string> = new Set(['istio-injection', 'istio.io/rev']);

/** @throws PadlockError `INPUT_INVALID` where anything is not as the planner writes it */
export function parseRecord(value: unknown, namespace: string): SavedRollout {
  if (dig(value, 'version') !== 1) fail('it is of another version of Padlock');
  const state = dig(value, 'state');
  const plan = parsePlan(dig(state, 'plan'), namespace);
  const reason = asText(dig(state, 'reason'));
  const baseline = parseBaseline(dig(state, 'baseline'));
  const proof = parseProofResult(dig(state, 'proof'));
  const savedAt = asText(dig(value, 'savedAt')) ?? fail('savedAt is missing');
  return {
    savedAt,
    book: parseBook(dig(value, 'book'), savedAt),
    state: {
      plan,
      status: oneOf(statuses, dig(state, 'status'), 'status'),
      direction: oneOf(['forward', 'back'] as const, dig(state, 'direction'), 'direction'),
      reached: position(dig(state, 'reached'), 'reached'),
      back: position(dig(state, 'back'), 'back'),
      phase: parsePhase(dig(state, 'phase')),
      ...(reason === undefined ? {} : { reason }),
      unrestored: texts(dig(state, 'unrestored')),
      ...(baseline === undefined ? {} : { baseline }),
      ...(proof === undefined ? {} : { proof }),
    } satisfies RolloutState,
  };
}

function parsePlan(value: unknown, namespace: string): Plan {
  if (dig(value, 'namespace') !== namespace) fail('it is of another namespace');
  return {
    namespace,
    workloads: texts(dig(value, 'workloads')),
    until: oneOf(stages, dig(value, 'until'), 'until'),
    maxErrors: parseMaxErrors(dig(value, 'maxErrors')),
    steps: asObjects(dig(value, 'steps')).map((step) => parseStep(step, namespace)),
    leftOut: asObjects(dig(value, 'leftOut')).map(
      (entry): LeftOut => ({
        workload: parseRef(entry.workload),
        reason: asText(entry.reason) ?? '',
        byChoice: entry.byChoice === true,
      }),
    ),
  };
}

function parseStep(step: JsonObject, namespace: string): Step {
  const until = parseUntil(step.until, namespace);
  const undoUntil = parseUntil(dig(step.undo, 'until'), namespace);
  const watch = parseWatch(step.watch);
  const proof = parseProof(step.proof);
  return {
    kind: oneOf(stepKinds, step.kind, 'kind'),
    stage: oneOf(stages, step.stage, 'stage'),
    title: asText(step.title) ?? fail('a step has no title'),
    writes: asObjects(step.writes).map((write) => parseWrite(write, namespace)),
    ...(until === undefined ? {} : { until }),
    ...(watch === undefined ? {} : { watch }),
    ...(proof === undefined ? {} : { proof }),
    undo: {
      writes: asObjects(dig(step.undo, 'writes')).map((write) => parseWrite(write, namespace)),
      ...(undoUntil === undefined ? {} : { until: undoUntil }),
    },
  };
}

function parseBook(value: unknown, savedAt: string): Book {
  return {
    startedAt: asText(dig(value, 'startedAt')) ?? savedAt,
    journal: asObjects(dig(value, 'journal')).map((entry) => ({
      at: asText(entry.at) ?? '',
      by: asText(entry.by) ?? '',
      what: asText(entry.what) ?? '',
    })),
    past: asObjects(dig(value, 'past')).map((entry) => {
      const reason = asText(entry.reason);
      return {
        startedAt: asText(entry.startedAt) ?? '',
        endedAt: asText(entry.endedAt) ?? '',
        status: oneOf(statuses, entry.status, 'status'),
        until: asText(entry.until) ?? '',
        steps: amount(entry.steps, 'steps'),
        ...(reason === undefined ? {} : { reason }),
      };
    }),
  };
}

function parseMaxErrors(value: unknown): MaxErrors {
  // A record of before this was asked for.
  if (value === undefined) return { kind: 'count', value: 0 };
  return {
    kind: oneOf(['count', 'percent'] as const, dig(value, 'kind'), 'maxErrors'),
    value: amount(dig(value, 'value'), 'maxErrors'),
  };
}

function parseWatch(value: unknown): Watch | undefined {
  if (value === undefined) return undefined;
  return {
    kind: oneOf(['baseline', 'plaintext', 'harm'] as const, dig(value, 'kind'), 'watch'),
    forMs: amount(dig(value, 'forMs'), 'forMs'),
  };
}

function parseProof(value: unknown): Proof | undefined {
  if (value === undefined) return undefined;
  const mode = oneOf(['PERMISSIVE', 'STRICT'] as const, dig(value, 'mode'), 'proof');
  const workload = dig(value, 'workload');
  return { mode, ...(workload === undefined ? {} : { workload: parseRef(workload) }) };
}

function parseBaseline(value: unknown): Baseline | undefined {
  if (value === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(asObject(value)).map(([name, tally]) => [
      name,
      {
        requests: amount(dig(tally, 'requests'), 'requests'),
        failed: amount(dig(tally, 'failed'), 'failed'),
      },
    ]),
  );
}

function parseProofResult(value: unknown): ProofResult | undefined {
  if (value === undefined) return undefined;
  return {
    verdict: oneOf(verdicts, dig(value, 'verdict'), 'verdict'),
    rows: asObjects(dig(value, 'rows')).map((row) => ({
      workload: asText(row.workload) ?? '',
      port: amount(row.port, 'port'),
      verdict: oneOf(verdicts, row.verdict, 'verdict'),
      detail: asText(row.detail) ?? '',
    })),
  };
}

const verdicts = ['PROVEN', 'FAILED', 'INCONCLUSIVE'] as const satisfies readonly Verdict[];

function parseUntil(value: unknown, namespace: string): Until | undefined {
  if (value === undefined) return undefined;
  const kind = oneOf(
    ['rolled-out', 'loaded', 'disruption-allowed', 'drained'] as const,
    dig(value, 'kind'),
    'until',
  );
  if (kind === 'loaded') return { kind, clients: dig(value, 'clients') === true };
  if (kind === 'drained') return { kind };
  if (kind === 'disruption-allowed') return { kind, budget: parseRef(dig(value, 'budget')) };
  const workload = parseRef(dig(value, 'workload'));
  if (workload.namespace !== namespace) fail('a step waits for another namespace');
  return { kind, workload, sidecar: dig(value, 'sidecar') === true };
}

function parseRef(value: unknown): ObjectRef {
  const { kind, namespace, name } = asObject(value);
  return {
    kind: asText(kind) ?? fail('an object has no kind'),
    ...(typeof namespace === 'string' ? { namespace } : {}),
    name: asText(name) ?? fail('an object has no name'),
  };
}

function parseWrite(write: JsonObject, namespace: string): Write {
  const kind = oneOf(['apply', 'delete', 'merge'] as const, write.kind, 'write');
  const manifest = asObject(write.manifest);
  const { name, namespace: where, labels } = asObject(manifest.metadata);
  const type = asText(manifest.kind) ?? '';
  if (typeof name !== 'string') fail('a write has no name');
  if (kind === 'merge' && type !== 'PeerAuthentication') fail(`it would merge into a ${type}`);
  const ref: ObjectRef = { kind: type, namespace, name };
  switch (type) {
    case 'Namespace':
      if (name !== namespace || kind === 'delete') fail('it would write another namespace');
      return {
        kind,
        manifest: rebuilt({ kind: type, name }, { labels: only(asTextMap(labels), namespaceLabels) }),
      };
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
      if (where !== namespace || kind === 'delete') fail(`it would write a ${type} that is not its own`);
      return { kind, manifest: rebuilt(ref, {}, { spec: restartSpec(manifest.spec) }) };
    case 'PeerAuthentication':
    case 'DestinationRule': {
      if (where !== namespace) fail('it would write policies of another namespace');
      const spec =
        type === 'DestinationRule'
          ? holdSpec(manifest.spec, name)
          : kind === 'merge'
            ? withoutMode(manifest.spec)
            : policySpec(manifest.spec);
      const made = labels === undefined ? {} : { labels: { 'app.kubernetes.io/managed-by': 'padlock' } };
      return { kind, manifest: rebuilt(ref, made, spec === undefined ? {} : { spec }) };
    }
    default:
      return fail(`it would write a ${type}`);
  }
}

function rebuilt(
  ref: ObjectRef,
  meta: { readonly labels?: Readonly<Record<string, string>> },
  fields: Readonly<Record<string, unknown>> = {},
): KubeObject {
  const { kind, namespace, name } = ref;
  return {
    apiVersion: apiVersionOf(resourceOf(kind)),
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...meta },
    ...fields,
  };
}

function restartSpec(spec: unknown): JsonObject {
  const template = asObject(dig(spec, 'template', 'metadata'));
  const annotations = only(asTextMap(template.annotations), new Set([restartAnnotation]));
  const labels = only(asTextMap(template.labels), new Set([injectLabel]));
  const metadata = { annotations, ...(template.labels === undefined ? {} : { labels }) };
  return { template: { metadata } };
}

function policySpec(spec: unknown): JsonObject | undefined {
  if (spec === undefined) return undefined;
  const selector = dig(spec, 'selector');
  const mode = oneOf(modes, dig(spec, 'mtls', 'mode'), 'mode');
  return {
    ...(selector === undefined ? {} : { selector: { matchLabels: asTextMap(dig(selector, 'matchLabels')) } }),
    mtls: { mode },
  };
}

/** A merge does nothing but take the mode out again. */
function withoutMode(spec: unknown): JsonObject {
  const mtls = dig(spec, 'mtls');
  if (mtls === null) return { mtls: null };
  return dig(mtls, 'mode') === null ? { mtls: { mode: null } } : fail('it would merge more than a mode');
}

function holdSpec(spec: unknown, name: string): JsonObject | undefined {
  if (name !== holdRuleName) fail('it would write a DestinationRule that is not its own');
  if (spec === undefined) return undefined;
  return {
    host: asText(dig(spec, 'host')) ?? fail('the DestinationRule has no host'),
    trafficPolicy: {
      tls: { mode: oneOf(['DISABLE'] as const, dig(spec, 'trafficPolicy', 'tls', 'mode'), 'tls') },
    },
  };
}

function only(
  map: Readonly<Record<string, string>>,
  allowed: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const other = Object.keys(map).find((key) => !allowed.has(key));
  return other === undefined ? map : fail(`it would set ${other}`);
}

function parsePhase(value: unknown): Phase {
  const name = oneOf(['mark', 'write', 'await', 'watch', 'prove'] as const, dig(value, 'name'), 'phase');
  return name === 'write' ? { name, index: position(dig(value, 'index'), 'index') } : { name };
}

function amount(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  return fail(`${field} is no amount`);
}

function position(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  return fail(`${field} is no position`);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : [];
}

function oneOf<const Word extends string>(words: readonly Word[], value: unknown, field: string): Word {
  return words.find((word) => word === value) ?? fail(`${field} is none of ${words.join(', ')}`);
}

function fail(sentence: string): never {
  throw new PadlockError('INPUT_INVALID', sentence);
}
