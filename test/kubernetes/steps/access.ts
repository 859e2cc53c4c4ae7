/** Who may do what: RBAC's refusals and reviews, tokens, impersonation, escalation. */
import { get, kubectl, type Step, type StepGroup, send } from './step.ts';

const ns = 'conf-access';
const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
const core = `/api/v1/namespaces/${ns}`;
const reviews = '/apis/authorization.k8s.io/v1';

const as = (step: Step, user: string, group?: string): Step => {
  if (!('http' in step)) throw new Error('only HTTP steps can be asked as another');
  const headers = {
    ...step.headers,
    'impersonate-user': user,
    ...(group === undefined ? {} : { 'impersonate-group': group }),
  };
  return { ...step, name: `${step.name}, as ${user}`, headers };
};

const review = (kind: string, spec: object): object => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind,
  spec,
});
const subject = (user: string, attributes: object): Step =>
  send(
    `access review: ${user} ${Object.values(attributes).join(' ')}`,
    'POST',
    `${reviews}/subjectaccessreviews`,
    review('SubjectAccessReview', {
      user,
      ...('path' in attributes ? { nonResourceAttributes: attributes } : { resourceAttributes: attributes }),
    }),
  );

const role = (name: string, rules: readonly object[]): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name },
  rules,
});
const binding = (name: string, roleRef: string, user: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roleRef },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
});
const rule = (resources: string, verbs: string, more: object = {}): object => ({
  apiGroups: [''],
  resources: resources.split(','),
  verbs: verbs.split(','),
  ...more,
});

/** RBAC from every side. */
export const access: StepGroup = {
  name: 'access',
  namespaces: [ns],
  steps: [
    kubectl('namespace of the access', `create namespace ${ns}`),
    send(
      'a role',
      'POST',
      `${rbac}/roles`,
      role('reader', [
        rule('pods,configmaps', 'get,list,watch'),
        rule('secrets', 'get', { resourceNames: ['one'] }),
        rule('pods/log', 'get'),
      ]),
    ),
    send('its binding', 'POST', `${rbac}/rolebindings`, binding('reader', 'reader', 'alice')),
    send(
      'a binding’s role cannot change',
      'PUT',
      `${rbac}/rolebindings/reader`,
      binding('reader', 'other', 'alice'),
    ),
    as(get('list', `${core}/configmaps?limit=1`), 'nobody'),
    as(get('get', `${core}/pods/x`), 'alice'),
    as(get('list in all namespaces', '/api/v1/pods'), 'alice'),
    as(get('get a named secret', `${core}/secrets/one`), 'alice'),
    as(get('get another secret', `${core}/secrets/two`), 'alice'),
    as(get('list secrets', `${core}/secrets`), 'alice'),
    as(get('a subresource that is allowed', `${core}/pods/x/log`), 'alice'),
    as(get('a subresource that is not', `${core}/pods/x/exec?command=true`), 'alice'),
    as(send('create', 'POST', `${core}/configmaps`, { metadata: { name: 'x' } }), 'alice'),
    as(send('delete', 'DELETE', `${core}/configmaps/x`, {}), 'alice'),
    as(send('delete all', 'DELETE', `${core}/configmaps`, {}), 'alice'),
    as(
      send(
        'patch a policy',
        'PATCH',
        `/apis/security.istio.io/v1/namespaces/${ns}/peerauthentications/x`,
        {},
        'application/merge-patch+json',
      ),
      'alice',
    ),
    as(get('read nodes', '/api/v1/nodes'), 'alice'),
    as(get('a path that is no resource', '/metrics'), 'alice'),
    as(get('discovery', '/apis/security.istio.io/v1'), 'alice', 'system:authenticated'),
    as(get('version', '/version'), 'nobody'),
    as(
      send(
        'a role that gives more than one has',
        'POST',
        `${rbac}/roles`,
        role('more', [rule('pods', 'delete')]),
      ),
      'alice',
    ),
    kubectl('a cluster role', 'create clusterrole conf-access-more --verb=delete,patch --resource=pods'),
    send(
      'a writer of roles',
      'POST',
      `${rbac}/roles`,
      role('roles', [
        { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['*'] },
      ]),
    ),
    send('the writer’s binding', 'POST', `${rbac}/rolebindings`, binding('roles', 'roles', 'alice')),
    send(
      'a writer of roles who may not escalate',
      'POST',
      `${rbac}/roles`,
      role('some-roles', [
        {
          apiGroups: ['rbac.authorization.k8s.io'],
          resources: ['roles', 'rolebindings'],
          verbs: ['create', 'get'],
        },
        rule('pods', 'get'),
      ]),
    ),
    send('bound to it', 'POST', `${rbac}/rolebindings`, binding('some-roles', 'some-roles', 'carol')),
    as(send('escalation', 'POST', `${rbac}/roles`, role('more', [rule('pods', 'delete')])), 'alice'),
    as(
      send('escalation without the verb', 'POST', `${rbac}/roles`, role('more', [rule('pods', 'delete')])),
      'carol',
    ),
    as(send('no escalation', 'POST', `${rbac}/roles`, role('less', [rule('pods', 'get')])), 'alice'),
    as(
      send('a binding to more than one has', 'POST', `${rbac}/rolebindings`, {
        ...binding('more', 'x', 'alice'),
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'conf-access-more' },
      }),
      'alice',
    ),
    subject('alice', { namespace: ns, verb: 'get', resource: 'pods' }),
    subject('alice', { namespace: ns, verb: 'delete', resource: 'pods' }),
    subject('alice', { namespace: ns, verb: 'get', resource: 'pods', subresource: 'log' }),
    subject('alice', { namespace: ns, verb: 'get', resource: 'secrets', name: 'one' }),
    subject('alice', { verb: 'get', resource: 'pods' }),
    subject('alice', { path: '/version', verb: 'get' }),
    send(
      'a review of nobody',
      'POST',
      `${reviews}/subjectaccessreviews`,
      review('SubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'pods' } }),
    ),
    send(
      'a review of nothing',
      'POST',
      `${reviews}/selfsubjectaccessreviews`,
      review('SelfSubjectAccessReview', {}),
    ),
    send(
      'a local review',
      'POST',
      `${reviews}/namespaces/${ns}/localsubjectaccessreviews`,
      review('LocalSubjectAccessReview', {
        user: 'alice',
        resourceAttributes: { namespace: ns, verb: 'list', resource: 'pods' },
      }),
    ),
    send(
      'a local review of elsewhere',
      'POST',
      `${reviews}/namespaces/${ns}/localsubjectaccessreviews`,
      review('LocalSubjectAccessReview', {
        user: 'alice',
        resourceAttributes: { namespace: 'x', verb: 'list', resource: 'pods' },
      }),
    ),
    as(
      send(
        'my rights',
        'POST',
        `${reviews}/selfsubjectaccessreviews`,
        review('SelfSubjectAccessReview', {
          resourceAttributes: { namespace: ns, verb: 'list', resource: 'pods' },
        }),
      ),
      'alice',
      'system:authenticated',
    ),
    as(
      send(
        'may I ask',
        'POST',
        `${reviews}/selfsubjectaccessreviews`,
        review('SelfSubjectAccessReview', {
          resourceAttributes: { namespace: ns, verb: 'list', resource: 'pods' },
        }),
      ),
      'alice',
    ),
    kubectl('all my rights', `auth can-i --list -n ${ns} --as=alice --as-group=system:authenticated`),
    kubectl('a service account', `create serviceaccount bot -n ${ns}`),
    kubectl(
      'who the account is',
      `auth whoami --as=system:serviceaccount:${ns}:bot -o 'jsonpath={.status.userInfo.username} {.status.userInfo.groups}'`,
    ),
    kubectl('the account may not', `get pods -n ${ns} --as=system:serviceaccount:${ns}:bot`),
    kubectl('bound', `create rolebinding bot --role=reader --serviceaccount=${ns}:bot -n ${ns}`),
    kubectl('the account may', `get pods -n ${ns} --as=system:serviceaccount:${ns}:bot`),
    as(get('impersonation from below', `${core}/pods`), 'alice'),
    send('a token for nobody', 'POST', `${core}/serviceaccounts/none/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    }),
    send('a token that is too short-lived', 'POST', `${core}/serviceaccounts/bot/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 60 },
    }),
    send('a token that is none', 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: 'x' },
    }),
    kubectl('a cluster role of many', `create clusterrole conf-access --aggregation-rule=conf=access`),
    kubectl('deleted', 'delete clusterrole conf-access conf-access-more'),
    {
      name: 'a user’s groups alone',
      http: 'GET',
      path: `${core}/pods`,
      headers: { 'impersonate-group': 'x' },
    },
  ],
};
