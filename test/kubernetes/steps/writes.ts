/** The four kinds of patch, server-side apply with its managers and conflicts, dry run, field validation and deletion. */
import { get, kubectl, type Step, type StepGroup, send } from './step.ts';

const ns = 'conf-writes';
const core = `/api/v1/namespaces/${ns}`;
const configMaps = `${core}/configmaps`;
const podTemplates = `${core}/podtemplates`;
const policies = `/apis/security.istio.io/v1/namespaces/${ns}/peerauthentications`;

const json = 'application/json-patch+json';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';

const configMap = (name: string, data: unknown, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const policy = (spec: object, name = 'default', metadata: object = {}): object => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name, ...metadata },
  spec,
});
// A kind that no controller writes to.
const podTemplate = {
  apiVersion: 'v1',
  kind: 'PodTemplate',
  metadata: { name: 'd' },
  template: {
    metadata: { labels: { app: 'd' } },
    spec: {
      containers: [
        {
          name: 'one',
          image: 'example.com/1',
          env: [{ name: 'A', value: '1' }],
          ports: [{ containerPort: 80 }],
        },
        { name: 'two', image: 'example.com/2' },
      ],
    },
  },
};
const template = (spec: object): object => ({ template: { spec } });

const apply = (name: string, path: string, manager: string, object: object, query = ''): Step =>
  send(name, 'PATCH', `${path}?fieldManager=${manager}${query}`, object, 'application/apply-patch+yaml');
const containers = (name: string): Step => get(name, `${podTemplates}/d`);

const patches: readonly Step[] = [
  send(
    'JSON patch: add, copy, move, remove',
    'PATCH',
    `${configMaps}/p`,
    [
      { op: 'add', path: '/data/c', value: '3' },
      { op: 'copy', from: '/data/a', path: '/data/d' },
      { op: 'move', from: '/data/b', path: '/data/e~1f' },
      { op: 'remove', path: '/data/a' },
    ],
    json,
  ),
  send(
    'JSON patch: removes what is not there',
    'PATCH',
    `${configMaps}/p`,
    [{ op: 'remove', path: '/data/zz' }],
    json,
  ),
  send(
    'JSON patch: adds below nothing',
    'PATCH',
    `${configMaps}/p`,
    [{ op: 'add', path: '/x/y', value: 1 }],
    json,
  ),
  send(
    'JSON patch: an unknown operation',
    'PATCH',
    `${configMaps}/p`,
    [{ op: 'replce', path: '/data/c', value: '1' }],
    json,
  ),
  send('JSON patch: not a list', 'PATCH', `${configMaps}/p`, { op: 'add' }, json),
  send(
    'JSON patch: test holds',
    'PATCH',
    `${configMaps}/p`,
    [
      { op: 'test', path: '/data/c', value: '3' },
      { op: 'replace', path: '/data/c', value: '4' },
    ],
    json,
  ),
  send(
    'JSON patch: a value of the wrong type',
    'PATCH',
    `${configMaps}/p`,
    [{ op: 'add', path: '/data/n', value: 1 }],
    json,
  ),
  send('merge patch: null removes', 'PATCH', `${configMaps}/p`, { data: { c: null, g: 'h' } }, merge),
  send('merge patch: a name cannot change', 'PATCH', `${configMaps}/p`, { metadata: { name: 'q' } }, merge),
  send(
    'merge patch: a stale version',
    'PATCH',
    `${configMaps}/p`,
    { metadata: { resourceVersion: '1' }, data: { x: 'y' } },
    merge,
  ),
  send('merge patch: not an object', 'PATCH', `${configMaps}/p`, [1], merge),
  send('merge patch: of what is not there', 'PATCH', `${configMaps}/none`, { data: {} }, merge),
  send(
    'merge patch: unknown field, strict',
    'PATCH',
    `${configMaps}/p?fieldValidation=Strict`,
    { dta: {} },
    merge,
  ),
  send('merge patch: unknown field, warned of', 'PATCH', `${configMaps}/p`, { dta: {} }, merge),
  send('merge patch: nothing changes', 'PATCH', `${configMaps}/p`, {}, merge),
  send(
    'strategic patch: adds to the list by name',
    'PATCH',
    `${podTemplates}/d?dryRun=All`,
    template({ containers: [{ name: 'three', image: 'example.com/3' }] }),
    strategic,
  ),
  send(
    'strategic patch: changes by name',
    'PATCH',
    `${podTemplates}/d`,
    template({ containers: [{ name: 'one', env: [{ name: 'B', value: '2' }] }] }),
    strategic,
  ),
  containers('after the change'),
  send(
    'strategic patch: deletes by name',
    'PATCH',
    `${podTemplates}/d`,
    template({ containers: [{ name: 'two', $patch: 'delete' }] }),
    strategic,
  ),
  containers('after the deletion'),
  send(
    'strategic patch: replaces a list',
    'PATCH',
    `${podTemplates}/d`,
    template({ containers: [{ $patch: 'replace' }, { name: 'four', image: 'example.com/4' }] }),
    strategic,
  ),
  containers('after the replacement'),
  send(
    'strategic patch: order',
    'PATCH',
    `${podTemplates}/d`,
    template({
      '$setElementOrder/containers': [{ name: 'five' }, { name: 'four' }],
      containers: [{ name: 'five', image: 'example.com/5' }],
    }),
    strategic,
  ),
  containers('after the order'),
  send(
    'strategic patch: a list without its key',
    'PATCH',
    `${podTemplates}/d`,
    template({ containers: [{ image: 'x' }] }),
    strategic,
  ),
  send(
    'strategic patch: an unknown directive',
    'PATCH',
    `${podTemplates}/d`,
    template({ $patch: 'burn' }),
    strategic,
  ),
];

const applies: readonly Step[] = [
  apply('applied anew', `${configMaps}/s`, 'one', configMap('s', { a: '1', b: '1' })),
  apply('applied again, nothing changes', `${configMaps}/s`, 'one', configMap('s', { a: '1', b: '1' })),
  apply('the same value is shared', `${configMaps}/s`, 'two', configMap('s', { a: '1' })),
  apply('a conflict with one manager', `${configMaps}/s`, 'three', configMap('s', { a: '2', b: '2' })),
  apply('a conflict in a dry run', `${configMaps}/s`, 'three', configMap('s', { a: '2' }), '&dryRun=All'),
  apply('forced', `${configMaps}/s`, 'three', configMap('s', { a: '2' }), '&force=true'),
  send('an update takes fields', 'PATCH', `${configMaps}/s?fieldManager=hand`, { data: { b: '3' } }, merge),
  apply('a conflict with an update', `${configMaps}/s`, 'one', configMap('s', { b: '1' })),
  apply('left out, given up', `${configMaps}/s`, 'three', configMap('s', {})),
  get('after all of it', `${configMaps}/s`),
  apply('another name', `${configMaps}/s`, 'one', configMap('t', {})),
  apply(
    'another version of what is there',
    `${configMaps}/s`,
    'one',
    configMap('s', {}, { resourceVersion: '1' }),
  ),
  apply(
    'with managed fields',
    `${configMaps}/s`,
    'one',
    configMap('s', {}, { managedFields: [] }),
    '&force=true',
  ),
  apply('unknown field', `${configMaps}/s`, 'one', { ...configMap('s', {}), dta: {} }),
  apply(
    'policy, as GitOps does',
    `${policies}/default`,
    'argocd-controller',
    policy({ mtls: { mode: 'PERMISSIVE' } }),
  ),
  apply('policy, against GitOps', `${policies}/default`, 'padlock', policy({ mtls: { mode: 'STRICT' } })),
  apply(
    'policy, more beside it',
    `${policies}/default`,
    'padlock',
    policy({ selector: { matchLabels: { app: 'a' } } }),
  ),
  apply('policy, by its older version', policies.replace('/v1/', '/v1beta1/').concat('/default'), 'padlock', {
    ...policy({ selector: { matchLabels: { app: 'b' } } }),
    apiVersion: 'security.istio.io/v1beta1',
  }),
  get('policy after both', `${policies}/default`),
  apply(
    'policy, invalid',
    `${policies}/default`,
    'padlock',
    policy({ mtls: { mode: 'NONE' } }),
    '&force=true',
  ),
  apply('policy, unknown field', `${policies}/x`, 'padlock', policy({ mtsl: {} }, 'x')),
  apply('policy, of the wrong type', `${policies}/x`, 'padlock', policy({ mtls: 'STRICT' }, 'x')),
  send(
    'policy merged, warned of unknown fields',
    'PATCH',
    `${policies}/default?dryRun=All`,
    { spec: { mtsl: {} } },
    merge,
  ),
  send(
    'status of a policy',
    'PATCH',
    `${policies}/default/status`,
    { status: { conditions: [{ type: 'Reconciled', status: 'True' }] }, spec: { mtls: null } },
    merge,
  ),
  send(
    'policy replaced',
    'PUT',
    `${policies}/default?fieldManager=hand`,
    policy({ mtls: { mode: 'DISABLE' } }),
  ),
  kubectl(
    'a conflict as kubectl says it',
    `apply --server-side --field-manager=padlock -n ${ns} -f -`,
    JSON.stringify(policy({ mtls: { mode: 'STRICT' } })),
  ),
  kubectl(
    'a difference as kubectl says it',
    `diff --server-side --force-conflicts -n ${ns} -f -`,
    JSON.stringify(policy({ mtls: { mode: 'DISABLE' } })),
  ),
];

const deletions: readonly Step[] = [
  send('deleted', 'DELETE', `${configMaps}/t1`, {}),
  send('a dry run that a body hides', 'DELETE', `${configMaps}/t5?dryRun=All`, {}),
  send('deleted again', 'DELETE', `${configMaps}/t1`, {}),
  send('deleted in a dry run', 'DELETE', `${configMaps}/t2`, { dryRun: ['All'] }),
  send(
    'still there after the dry run',
    'PATCH',
    `${configMaps}/t2`,
    { metadata: { finalizers: ['example.com/a', 'example.com/b'] } },
    merge,
  ),
  send('deleted with finalizers', 'DELETE', `${configMaps}/t2`, {}),
  send('deleted with finalizers again', 'DELETE', `${configMaps}/t2`, {}),
  send(
    'a finalizer more',
    'PATCH',
    `${configMaps}/t2`,
    { metadata: { finalizers: ['example.com/a', 'example.com/b', 'example.com/c'] } },
    merge,
  ),
  send(
    'a finalizer less',
    'PATCH',
    `${configMaps}/t2`,
    { metadata: { finalizers: ['example.com/b'] } },
    merge,
  ),
  send('data while it goes', 'PATCH', `${configMaps}/t2`, { data: { late: 'yes' } }, merge),
  send('the last finalizer', 'PATCH', `${configMaps}/t2`, { metadata: { finalizers: [] } }, merge),
  get('gone', `${configMaps}/t2`),
  send('a finalizer that is none', 'POST', configMaps, configMap('t3', {}, { finalizers: ['nothing'] })),
  send('an unknown propagation', 'DELETE', `${configMaps}/t4`, { propagationPolicy: 'Sideways' }),
  send('a precondition on the version', 'DELETE', `${configMaps}/t4`, {
    preconditions: { resourceVersion: '1' },
  }),
  send('a foreground deletion', 'DELETE', `${configMaps}/t4`, {
    dryRun: ['All'],
    propagationPolicy: 'Foreground',
  }),
  send('a deletion that orphans', 'DELETE', `${configMaps}/t4`, {
    dryRun: ['All'],
    propagationPolicy: 'Orphan',
  }),
  send('negative patience', 'DELETE', `${configMaps}/t4`, { dryRun: ['All'], gracePeriodSeconds: -1 }),
  send('many by label', 'DELETE', `${configMaps}?labelSelector=many%3Dyes`, {}),
  get('what is left of them', `${configMaps}?labelSelector=many`),
];

/** Writes of every kind. */
export const writes: StepGroup = {
  name: 'writes',
  namespaces: [ns],
  steps: [
    kubectl('namespace of the writes', `create namespace ${ns}`),
    send('a config map', 'POST', `${configMaps}?fieldManager=hand`, configMap('p', { a: '1', b: '2' })),
    send('a pod template', 'POST', podTemplates, podTemplate),
    ...['t1', 't2', 't4', 't5'].map((name) =>
      send(`config map ${name}`, 'POST', configMaps, configMap(name, {})),
    ),
    ...['m1', 'm2'].map((name) =>
      send(`config map ${name}`, 'POST', configMaps, configMap(name, {}, { labels: { many: 'yes' } })),
    ),
    ...patches,
    ...applies,
    ...deletions,
  ],
};
