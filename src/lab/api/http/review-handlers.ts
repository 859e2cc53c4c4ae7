/** Kinds that are questions: may I, may they, who am I, whose token is this. Created, answered, never stored. */
import { timestamp } from '../engine/effects.ts';
import { trackUpdate } from '../fields/managed-fields.ts';
import { ensureObject, type JsonObject, objectAt, stringAt, stringsAt } from '../json.ts';
import type { Attributes, PolicyRule, RbacAuthorizer } from '../rbac/authorizer.ts';
import type { TokenIssuer } from '../rbac/tokens.ts';
import type { User } from '../rbac/user.ts';
import { formatApiVersion } from '../registry/registry.ts';
import { invalid } from '../status.ts';
import { type FieldError, invalidValue, toCauses } from '../validation/field-error.ts';
import { expectedOf, type ResourceContext, writeOptions } from './context.ts';
import { decodeObject, fieldValidationOf, parseBody } from './decode.ts';
import { type ApiResponse, jsonResponse } from './request.ts';

export interface Reviewers {
  readonly authorizer: RbacAuthorizer;
  readonly tokens: TokenIssuer;
}

type Review = (body: JsonObject, user: User, reviewers: Reviewers, context: ResourceContext) => JsonObject;

const reviews: Readonly<Record<string, Review>> = {
  selfsubjectaccessreviews: (body, user, { authorizer }) => accessReview(body, user, authorizer),
  subjectaccessreviews: (body, _user, { authorizer }) => accessReview(body, subjectOf(body), authorizer),
  localsubjectaccessreviews: (body, _user, { authorizer }, context) => {
    checkNamespace(body, context.info.namespace);
    return accessReview(body, subjectOf(body), authorizer);
  },
  selfsubjectrulesreviews: (body, user, { authorizer }) => rulesReview(body, user, authorizer),
  selfsubjectreviews: (_body, user) => ({ userInfo: userInfo(user) }),
  tokenreviews: (body, _user, { tokens }) => tokenReview(body, tokens),
};

/** @returns the answer to a review, undefined where the resource is none. */
export function reviewHandler(context: ResourceContext, reviewers: Reviewers): ApiResponse | undefined {
  const { request, served, info } = context;
  const review = reviews[served.resource];
  if (review === undefined || info.verb !== 'create') return undefined;
  const body = parseBody(
    request.body,
    request.headers['content-type'],
    served.kind,
    expectedOf(context).schema,
  );
  const { object, warnings } = decodeObject(body, expectedOf(context), fieldValidationOf(request.url));
  const metadata = ensureObject(object, 'metadata');
  if (info.namespace !== undefined) metadata.namespace = info.namespace;
  trackUpdate(
    served,
    undefined,
    object,
    writeOptions(context, 'CreateOptions'),
    timestamp(context.engine.effects.now()),
  );
  const status = review(object, request.user, reviewers, context);
  const apiVersion = formatApiVersion(served.group, info.version);
  return jsonResponse({ ...object, kind: served.kind, apiVersion, status }, 201, warnings);
}

function accessReview(body: JsonObject, user: User, authorizer: RbacAuthorizer): JsonObject {
  const spec = objectAt(body, 'spec');
  const asked = attributesOf(spec);
  if (asked === undefined) {
    const sentence = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    refuse(invalidValue('spec.resourceAttributes', null, sentence));
  }
  const decision = authorizer.authorize(user, asked);
  return { allowed: decision.allowed, ...(decision.reason === '' ? {} : { reason: decision.reason }) };
}

function attributesOf(spec: JsonObject | undefined): Attributes | undefined {
  const path = objectAt(spec, 'nonResourceAttributes');
  if (path !== undefined)
    return { kind: 'path', verb: stringAt(path, 'verb') ?? '', path: stringAt(path, 'path') ?? '' };
  const resource = objectAt(spec, 'resourceAttributes');
  if (resource === undefined) return undefined;
  const subresource = stringAt(resource, 'subresource') ?? '';
  const plural = stringAt(resource, 'resource') ?? '';
  const namespace = stringAt(resource, 'namespace') ?? '';
  const name = stringAt(resource, 'name') ?? '';
  return {
    kind: 'resource',
    verb: stringAt(resource, 'verb') ?? '',
    group: stringAt(resource, 'group') ?? '',
    resource: subresource === '' ? plural : `${plural}/${subresource}`,
    namespace: namespace === '' ? undefined : namespace,
    name: name === '' ? undefined : name,
  };
}

function checkNamespace(body: JsonObject, namespace: string | undefined): void {
  const asked = stringAt(objectAt(objectAt(body, 'spec'), 'resourceAttributes'), 'namespace') ?? '';
  if (asked === namespace) return;
  refuse(invalidValue('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace'));
}

function refuse(error: FieldError): never {
  throw invalid('', 'authorization.k8s.io', '', toCauses([error]));
}

function subjectOf(body: JsonObject): User {
  const spec = objectAt(body, 'spec');
  const user = { name: stringAt(spec, 'user') ?? '', groups: stringsAt(spec, 'groups') };
  if (user.name === '' && user.groups.length === 0) {
    refuse(invalidValue('spec.user', '', 'at least one of user or group must be specified'));
  }
  return user;
}

function rulesReview(body: JsonObject, user: User, authorizer: RbacAuthorizer): JsonObject {
  const namespace = stringAt(objectAt(body, 'spec'), 'namespace') ?? '';
  const rules = authorizer.rulesFor(user, namespace);
  const isPath = (rule: PolicyRule): boolean => rule.nonResourceURLs.length > 0;
  return {
    resourceRules: rules
      .filter((rule) => !isPath(rule))
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames.length === 0 ? {} : { resourceNames }),
      })),
    nonResourceRules: rules.filter(isPath).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}

function userInfo(user: User): JsonObject {
  const extra = Object.keys(user.extra ?? {}).length === 0 ? {} : { extra: user.extra };
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...extra,
  };
}

function tokenReview(body: JsonObject, tokens: TokenIssuer): JsonObject {
  const spec = objectAt(body, 'spec');
  const audiences = stringsAt(spec, 'audiences');
  const user = tokens.authenticate(stringAt(spec, 'token') ?? '', audiences[0]);
  if (user === undefined) return { user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: userInfo(user), ...(audiences.length === 0 ? {} : { audiences }) };
}
