/** Lists: selectors, pages with continue tokens that stay consistent, and lists as of an older revision. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { isCompacted } from '../../store/store.ts';
import type { Engine } from '../engine/engine.ts';
import { draftOf, isObject, numberAt, stringAt } from '../json.ts';
import type { Resource } from '../registry/resource.ts';
import { type FieldRequirement, parseFieldSelector } from '../selectors/field-selector.ts';
import {
  type LabelRequirement,
  matchesRequirements,
  parseLabelSelector,
} from '../selectors/label-selector.ts';
import { ApiStatus, badRequest, expired, qualified } from '../status.ts';
import { jsonMistake } from './go-json.ts';
import { checkListOptions } from './list-options.ts';
import type { ListMeta } from './present.ts';

export interface Selection {
  readonly namespace: string | undefined;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
}

/** Reads `?labelSelector=` and `?fieldSelector=`. @throws ApiStatus BadRequest where either is wrong. */
export function selectionOf(url: URL, resource: Resource, namespace: string | undefined): Selection {
  const fields = parseFieldSelector(url.searchParams.get('fieldSelector') ?? '');
  const known = [
    'metadata.name',
    'metadata.namespace',
    ...Object.keys(resource.strategy.selectableFields ?? {}),
  ];
  for (const { field } of fields) {
    if (known.includes(field)) continue;
    // The one kind that says it in other words (pkg/apis/batch/v1/conversion.go).
    if (resource.resource === 'jobs')
      throw badRequest(`field label ${JSON.stringify(field)} not supported for Job`);
    if (Object.keys(resource.strategy.selectableFields ?? {}).length > 0) {
      throw badRequest(`field label not supported: ${field}`);
    }
    if (resource.custom) throw badRequest(`field label not supported: ${field}`);
    const list = known.map((one) => JSON.stringify(one)).join(', ');
    throw badRequest(`${JSON.stringify(field)} is not a known field selector: only ${list}`);
  }
  return { namespace, labels: parseLabelSelector(url.searchParams.get('labelSelector') ?? ''), fields };
}

/** True where an object belongs to what was asked for. */
export function isSelected(object: KubeObject, resource: Resource, selection: Selection): boolean {
  const { metadata } = object;
  if (selection.namespace !== undefined && metadata.namespace !== selection.namespace) return false;
  if (!matchesRequirements(selection.labels, metadata.labels ?? {})) return false;
  return selection.fields.every(
    ({ field, equals, value }) => (fieldValue(object, resource, field) === value) === equals,
  );
}

function fieldValue(object: KubeObject, resource: Resource, field: string): string {
  if (field === 'metadata.name') return object.metadata.name;
  if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
  return resource.strategy.selectableFields?.[field]?.(draftOf(object)) ?? '';
}

export interface Page {
  readonly items: readonly KubeObject[];
  readonly metadata: ListMeta;
}

interface Position {
  readonly revision: number;
  readonly after: string;
}

/**
 * One page of a list.
 * @throws ApiStatus Expired where the revision of a continue token has fallen out of the history.
 */
export function listPage(engine: Engine, resource: Resource, selection: Selection, url: URL): Page {
  checkListOptions(url, false);
  const position = positionOf(url);
  const revision = position?.revision ?? exactRevision(engine, url);
  const entries = entriesAt(engine, resource, selection.namespace, revision, position !== undefined);
  const found = entries.filter(
    ({ key, object }) =>
      (position === undefined || key > position.after) && isSelected(object, resource, selection),
  );
  const limit = Number(url.searchParams.get('limit') ?? '0');
  const listed = revision ?? engine.store.revision;
  if (!(limit > 0) || found.length <= limit) {
    return { items: found.map((entry) => entry.object), metadata: { resourceVersion: String(listed) } };
  }
  const page = found.slice(0, limit);
  const last = page.at(-1)?.key ?? '';
  // With a selector the real server does not know how many are left.
  const isPlain = selection.labels.length === 0 && selection.fields.length === 0;
  return {
    items: page.map((entry) => entry.object),
    metadata: {
      resourceVersion: String(listed),
      continue: encodePosition({ revision: listed, after: last }),
      ...(isPlain ? { remainingItemCount: found.length - limit } : {}),
    },
  };
}

function positionOf(url: URL): Position | undefined {
  const token = url.searchParams.get('continue') ?? '';
  if (token === '') return undefined;
  const refuse = (why: string): never => {
    throw badRequest(`invalid continue token: continue key is not valid: ${why}`);
  };
  const foreign = token.search(/[^A-Za-z0-9_-]/);
  // A single character left over is no byte.
  const wrong = foreign === -1 && token.length % 4 === 1 ? token.length - 1 : foreign;
  if (wrong !== -1) refuse(`illegal base64 data at input byte ${wrong}`);
  const text = Buffer.from(token, 'base64url');
  const mistake = jsonMistake(text);
  if (mistake !== undefined) refuse(mistake);
  const value: unknown = JSON.parse(text.toString('utf8'));
  const parsed = isObject(value) ? value : {};
  const version = stringAt(parsed, 'v') ?? '';
  if (version !== tokenVersion) refuse(`server does not recognize this encoded version ${version}`);
  const revision = numberAt(parsed, 'rv') ?? 0;
  if (revision === 0) refuse(`incorrect encoded start resourceVersion (version ${tokenVersion})`);
  const after = stringAt(parsed, 'start') ?? '';
  if (after === '') refuse(`encoded start key empty (version ${tokenVersion})`);
  return { revision, after };
}

const tokenVersion = 'meta.k8s.io/v1';

function encodePosition({ revision, after }: Position): string {
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv: revision, start: after })).toString('base64url');
}

/** The revision that `resourceVersionMatch=Exact` names. A revision that is still to come is refused, as the real server does. */
function exactRevision(engine: Engine, url: URL): number | undefined {
  const text = url.searchParams.get('resourceVersion') ?? '';
  if (text === '' || text === '0') return undefined;
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: ${badRevision(text)}`);
  const revision = parseRevision(text);
  if (revision > engine.store.revision) {
    throw new ApiStatus(
      'Timeout',
      `Timeout: Too large resource version: ${revision}, current: ${engine.store.revision}`,
      {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    );
  }
  return url.searchParams.get('resourceVersionMatch') === 'Exact' ? revision : undefined;
}

/** @throws ApiStatus (500, as the real server has it) where the text is no revision. */
export function parseRevision(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new ApiStatus('Unknown', badRevision(text));
}

function badRevision(text: string): string {
  const quoted = JSON.stringify(text);
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`;
}

interface Entry {
  readonly key: string;
  readonly object: KubeObject;
}

/** The objects as of a revision: today's, with what changed since undone. */
function entriesAt(
  engine: Engine,
  resource: Resource,
  namespace: string | undefined,
  revision: number | undefined,
  isContinued: boolean,
): readonly Entry[] {
  const name = qualified(resource);
  const prefix = namespace === undefined ? '' : `${namespace}/`;
  const now = engine.store.list(name, prefix);
  if (revision === undefined || revision === engine.store.revision) return now;
  const events = engine.store.since(new Set([name]), revision);
  if (isCompacted(events)) {
    throw expired(
      isContinued
        ? 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'
        : `The resourceVersion for the provided list is too old.`,
    );
  }
  const then = new Map(now.map(({ key, object }) => [key, object]));
  for (const event of events.toReversed()) {
    if (!event.key.startsWith(prefix)) continue;
    if (event.previous === undefined) then.delete(event.key);
    else then.set(event.key, event.previous);
  }
  return [...then].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, object]) => ({ key, object }));
}
