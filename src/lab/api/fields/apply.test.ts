import { expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { type Applied, applyFields } from './apply.ts';

const text: Schema = { type: 'string' };
const schema: Schema = {
  type: 'object',
  properties: {
    apiVersion: text,
    kind: text,
    metadata: {
      type: 'object',
      properties: { name: text, labels: { type: 'object', additionalProperties: text } },
    },
    spec: { type: 'object', properties: { mode: text } },
  },
};

function apply(live: JsonObject, metadata: JsonObject): Applied {
  const config = { apiVersion: 'v1', kind: 'Thing', metadata, spec: { mode: 'STRICT' } };
  const manager = {
    name: 'padlock',
    operation: 'Apply',
    subresource: '',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
  } as const;
  return applyFields({ live, config, schema, manager, force: true, ignored: ['status'] });
}

test('an applier that no longer states its only label takes the label away, and not the metadata with the name', () => {
  const first = apply({}, { name: 'a', labels: { by: 'padlock' } });
  const { metadata } = first.object;
  const live = {
    ...first.object,
    metadata: { ...(metadata as JsonObject), managedFields: first.managedFields },
  };
  const { object } = apply(live, { name: 'a' });
  expect(object).toMatchObject({ kind: 'Thing', metadata: { name: 'a' }, spec: { mode: 'STRICT' } });
  expect(JSON.stringify(object)).not.toContain('padlock');
});
