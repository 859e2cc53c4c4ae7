/** Strategies of the smaller core kinds: namespaces, secrets, config maps, nodes, endpoints, events, volumes. */
import { isIP } from 'node:net';
import {
  ensureObject,
  equalJson,
  type JsonObject,
  objectAt,
  objectsAt,
  setDefault,
  stringAt,
} from '../json.ts';
import type { Strategy } from '../registry/resource.ts';
import { badRequest } from '../status.ts';
import { type FieldError, forbiddenField, invalidValue, required } from '../validation/field-error.ts';
import { isDns1123Label } from '../validation/names.ts';
import { defaultPodTemplate } from './pod-defaults.ts';

export const namespaceStrategy: Strategy = {
  nameRule: isDns1123Label,
  defaults: (namespace) => {
    const name = stringAt(objectAt(namespace, 'metadata'), 'name');
    if (name !== undefined && name !== '') {
      ensureObject(ensureObject(namespace, 'metadata'), 'labels')['kubernetes.io/metadata.name'] = name;
    }
    setDefault(ensureObject(namespace, 'status'), 'phase', 'Active');
    ensureObject(namespace, 'spec');
  },
  prepareForCreate: (namespace) => {
    namespace.status = { phase: 'Active' };
    const spec = ensureObject(namespace, 'spec');
    const finalizers = Array.isArray(spec.finalizers) ? spec.finalizers : [];
    spec.finalizers = finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'];
  },
  // Finalizers of a namespace are removed through its `finalize` subresource only.
  prepareForUpdate: (namespace, old) => {
    namespace.spec = old.spec;
  },
  selectableFields: {
    'status.phase': (namespace) => stringAt(objectAt(namespace, 'status'), 'phase') ?? '',
  },
};

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function validateSecret(secret: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = [];
  const data = objectAt(secret, 'data') ?? {};
  for (const value of Object.values(data)) {
    if (typeof value === 'string' && base64.test(value)) continue;
    const at = typeof value === 'string' ? Math.max(0, value.search(/[^A-Za-z0-9+/=]/)) : 0;
    const why = `illegal base64 data at input byte ${at}`;
    throw badRequest(`Secret in version "v1" cannot be handled as a Secret: ${why}`);
  }
  const type = stringAt(secret, 'type');
  if (type === 'kubernetes.io/tls') {
    for (const key of ['tls.crt', 'tls.key'])
      if (data[key] === undefined) errors.push(required(`data[${key}]`));
  }
  if (old !== undefined && old.type !== type) errors.push(invalidValue('type', type, 'field is immutable'));
  return [...errors, ...validateImmutable(secret, old, ['data', 'immutable'])];
}

function validateImmutable(
  object: JsonObject,
  old: JsonObject | undefined,
  fields: readonly string[],
): readonly FieldError[] {
  if (old?.immutable !== true) return [];
  return fields
    .filter((field) => !equalJson(object[field], old[field]))
    .map((field) => forbiddenField(field, 'field is immutable when `immutable` is set'));
}

export const secretStrategy: Strategy = {
  defaults: (secret) => {
    const texts = objectAt(secret, 'stringData');
    if (texts !== undefined) {
      const data = ensureObject(secret, 'data');
      for (const [key, value] of Object.entries(texts)) {
        if (typeof value === 'string') data[key] = Buffer.from(value).toString('base64');
      }
      delete secret.stringData;
    }
    setDefault(secret, 'type', 'Opaque');
  },
  validate: validateSecret,
  selectableFields: { type: (secret) => stringAt(secret, 'type') ?? '' },
};

export const configMapStrategy: Strategy = {
  validate: (map, old) => {
    const errors: FieldError[] = [];
    for (const field of ['data', 'binaryData']) {
      for (const key of Object.keys(objectAt(map, field) ?? {})) {
        if (/^[-._a-zA-Z0-9]+$/.test(key) && key.length <= 253 && key !== '.' && key !== '..') continue;
        errors.push(
          invalidValue(
            `${field}[${key}]`,
            key,
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
          ),
        );
      }
    }
    return [...errors, ...validateImmutable(map, old, ['data', 'binaryData', 'immutable'])];
  },
};

export const nodeStrategy: Strategy = {
  keepsStatusOnCreate: true,
  defaults: (node) => {
    ensureObject(node, 'spec');
    const status = ensureObject(node, 'status');
    if (status.capacity !== undefined) setDefault(status, 'allocatable', status.capacity);
    setDefault(ensureObject(status, 'daemonEndpoints'), 'kubeletEndpoint', { Port: 0 });
  },
  selectableFields: {
    'spec.unschedulable': (node) => String(objectAt(node, 'spec')?.unschedulable === true),
  },
};

export const podTemplateStrategy: Strategy = { defaults: defaultPodTemplate };

export const endpointsStrategy: Strategy = {
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  defaults: (endpoints) => {
    for (const subset of objectsAt(endpoints, 'subsets')) {
      for (const port of objectsAt(subset, 'ports')) setDefault(port, 'protocol', 'TCP');
    }
  },
  validate: (endpoints) =>
    objectsAt(endpoints, 'subsets').flatMap((subset, at) =>
      [...objectsAt(subset, 'addresses').entries()].flatMap(([index, address]) => {
        const ip = stringAt(address, 'ip') ?? '';
        if (isIP(ip) !== 0) return [];
        const field = `subsets[${at}].addresses[${index}].ip`;
        return [
          invalidValue(field, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
          invalidValue(field, ip, 'must be a valid IP address'),
        ];
      }),
    ),
};

export const endpointSliceStrategy: Strategy = {
  defaults: (slice) => {
    for (const port of objectsAt(slice, 'ports')) {
      setDefault(port, 'name', '');
      setDefault(port, 'protocol', 'TCP');
    }
    setDefault(slice, 'endpoints', null);
    setDefault(slice, 'ports', null);
  },
  validate: (slice, old) => {
    const type = stringAt(slice, 'addressType') ?? '';
    const errors: FieldError[] = [];
    if (type === '') errors.push(required('addressType'));
    if (old !== undefined && old.addressType !== type) {
      errors.push(invalidValue('addressType', type, 'field is immutable'));
    }
    return errors;
  },
};

const eventFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

export const eventStrategy: Strategy = {
  defaults: (event) => {
    ensureObject(event, 'source');
    setDefault(event, 'reportingComponent', stringAt(objectAt(event, 'source'), 'component') ?? '');
    setDefault(event, 'reportingInstance', '');
    for (const field of ['firstTimestamp', 'lastTimestamp', 'eventTime']) setDefault(event, field, null);
  },
  selectableFields: {
    ...Object.fromEntries(
      eventFields.map((field) => [
        `involvedObject.${field}`,
        (event: JsonObject) => stringAt(objectAt(event, 'involvedObject'), field) ?? '',
      ]),
    ),
    reason: (event) => stringAt(event, 'reason') ?? '',
    reportingComponent: (event) => stringAt(event, 'reportingComponent') ?? '',
    source: (event) =>
      stringAt(objectAt(event, 'source'), 'component') ?? stringAt(event, 'reportingComponent') ?? '',
    type: (event) => stringAt(event, 'type') ?? '',
  },
};

export const volumeStrategy: Strategy = {
  defaults: (volume) => {
    const spec = ensureObject(volume, 'spec');
    setDefault(spec, 'volumeMode', 'Filesystem');
    if (volume.kind === 'PersistentVolume') setDefault(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    setDefault(ensureObject(volume, 'status'), 'phase', 'Pending');
  },
};
