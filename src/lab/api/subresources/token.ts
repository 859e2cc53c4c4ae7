/** The `token` subresource of service accounts: a TokenRequest, answered with a signed token. */
import { timestamp } from '../engine/effects.ts';
import { mustGet } from '../engine/engine.ts';
import type { ResourceContext } from '../http/context.ts';
import { decodeObject, fieldValidationOf, parseBody } from '../http/decode.ts';
import { methodNotAllowed } from '../http/errors.ts';
import { type ApiResponse, jsonResponse } from '../http/request.ts';
import { ensureObject, numberAt, objectAt, stringAt, stringsAt } from '../json.ts';
import { defaultAudience, type TokenIssuer } from '../rbac/tokens.ts';
import { builtinSchema } from '../schema/builtin.ts';
import { invalid } from '../status.ts';
import { invalidValue, toCauses } from '../validation/field-error.ts';

const expected = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  schema: builtinSchema('authentication.v1.TokenRequest'),
  custom: false,
};

/** POST of `serviceaccounts/NAME/token`. @throws ApiStatus Invalid for a lifetime below ten minutes. */
export function tokenHandler(context: ResourceContext, tokens: TokenIssuer): ApiResponse {
  const { engine, stored, info, request } = context;
  if (info.verb !== 'create') throw methodNotAllowed();
  const account = mustGet(engine, stored, info.namespace, info.name ?? '');
  const body = parseBody(request.body, request.headers['content-type'], 'TokenRequest', expected.schema);
  const { object, warnings } = decodeObject(body, expected, fieldValidationOf(request.url));
  const spec = ensureObject(object, 'spec');
  const seconds = numberAt(spec, 'expirationSeconds') ?? 3600;
  if (seconds < 600) {
    const error = invalidValue(
      'spec.expirationSeconds',
      seconds,
      'may not specify a duration less than 10 minutes',
    );
    throw invalid('TokenRequest', 'authentication.k8s.io', '', toCauses([error]));
  }
  const named = stringsAt(spec, 'audiences');
  const audiences = named.length === 0 ? [defaultAudience] : named;
  const bound = objectAt(spec, 'boundObjectRef');
  const pod =
    stringAt(bound, 'kind') === 'Pod'
      ? { name: stringAt(bound, 'name') ?? '', uid: stringAt(bound, 'uid') ?? '' }
      : undefined;
  const { name, namespace = '', uid = '' } = account.metadata;
  const token = tokens.issue({
    namespace,
    name,
    uid,
    audiences,
    expirationSeconds: seconds,
    ...(pod === undefined ? {} : { pod }),
  });
  const now = engine.effects.now();
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(now) },
    spec: { ...spec, audiences, expirationSeconds: seconds },
    status: { token, expirationTimestamp: timestamp(new Date(now.getTime() + seconds * 1000)) },
  };
  return jsonResponse(answer, 201, warnings);
}
