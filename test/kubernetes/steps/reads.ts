/** Lists in pages and by selectors, tables, discovery, refusals of the protocol, and what kubectl makes of it all. */
import { get, kubectl, type Step, type StepGroup, send } from './step.ts';

const ns = 'conf-reads';
const core = `/api/v1/namespaces/${ns}`;
const configMaps = `${core}/configmaps`;
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const names = ['a', 'b', 'c', 'd', 'e'];

// No scheduler takes it, so no kubelet changes it: it stays as it was written.
const pod = (name: string, labels: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'example.com/c' }] },
});

const lists: readonly Step[] = [
  get('by equality', `${configMaps}?labelSelector=n%3Db`),
  get('by inequality', `${configMaps}?labelSelector=n!%3Db%2Cn`),
  get('by a set', `${configMaps}?labelSelector=n+in+(a%2Cc)`),
  get('by a set left out', `${configMaps}?labelSelector=n+notin+(a%2Cc)%2Cn`),
  get('by absence', `${core}/pods?labelSelector=!app`),
  get('by an order', `${configMaps}?labelSelector=n%3E1`),
  get('by a bad set', `${configMaps}?labelSelector=n+in+a`),
  get('by a bad key', `${configMaps}?labelSelector=-n`),
  get('by a name', `${configMaps}?fieldSelector=metadata.name%3Da`),
  get(
    'by another name',
    `${configMaps}?fieldSelector=metadata.name!%3Da%2Cmetadata.namespace%3D${ns}&labelSelector=n`,
  ),
  get('by a field of pods', `${core}/pods?fieldSelector=spec.nodeName%3D%2Cstatus.phase%3DPending`),
  get('by a field that is none', `${core}/pods?fieldSelector=spec.image%3Dx`),
  get('by a bad field selector', `${core}/pods?fieldSelector=x`),
  get(
    'by a field of a custom kind',
    `/apis/security.istio.io/v1/namespaces/${ns}/peerauthentications?fieldSelector=spec.mtls.mode%3DSTRICT`,
  ),
  get('a page that is none', `${configMaps}?continue=nonsense`),
  get('a limit that is none', `${configMaps}?limit=many`),
  get('a version and a page', `${configMaps}?continue=x&resourceVersion=1`),
  get('a version that is none', `${configMaps}?resourceVersion=x`),
  get('a version far ahead', `${configMaps}?resourceVersion=999999999&timeoutSeconds=1`),
  get('a version match without a version', `${configMaps}?resourceVersionMatch=Exact`),
  get('an unknown version match', `${configMaps}?resourceVersion=1&resourceVersionMatch=About`),
  get('a far namespace', '/api/v1/namespaces/nowhere/configmaps'),
  get('initial events without a watch', `${configMaps}?sendInitialEvents=true`),
  get(
    'a watch of a version match',
    `${configMaps}?watch=1&resourceVersionMatch=Exact&resourceVersion=1&timeoutSeconds=1`,
  ),
  get(
    'initial events of an odd version match',
    `${configMaps}?watch=1&sendInitialEvents=true&timeoutSeconds=1`,
  ),
];

const protocol: readonly Step[] = [
  get('table of pods', `${core}/pods`, table),
  get('table of one pod', `${core}/pods/web`, table),
  get('table without objects', `${core}/pods?includeObject=None`, table),
  get('table with whole objects', `${core}/configmaps/a?includeObject=Object`, table),
  get('metadata of many', `${configMaps}?labelSelector=n%3Da`, {
    accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  }),
  get('a table nobody knows', `${core}/pods`, { accept: 'application/json;as=Chart;v=v1;g=meta.k8s.io' }),
  get('a table or else JSON', `${core}/pods?limit=1`, {
    accept: 'application/json;as=Chart;v=v1;g=meta.k8s.io, application/json',
  }),
  get('the group', '/apis/security.istio.io'),
  get('the version', '/apis/security.istio.io/v1'),
  get('a version that is not served', '/apis/apps/v1beta1'),
  get('no such group', '/apis/nothing.example.com'),
  get('versions', '/api'),
  get('a root path nobody knows', '/nothing'),
  get('health', '/healthz'),
  get('readiness', '/readyz'),
  get('liveness', '/livez'),
  send('a name in a list’s body', 'PUT', configMaps, {}),
  {
    name: 'an empty body',
    http: 'POST',
    path: configMaps,
    headers: { 'content-type': 'application/json' },
    body: '',
  },
  {
    name: 'YAML',
    http: 'POST',
    path: `${configMaps}?dryRun=All`,
    headers: { 'content-type': 'application/yaml' },
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yam}\ndata: {a: "1"}\n',
  },
  {
    name: 'a field twice, strict',
    http: 'POST',
    path: `${configMaps}?fieldValidation=Strict`,
    headers: { 'content-type': 'application/json' },
    body: '{"metadata":{"name":"z"},"data":{"a":"1"},"data":{"a":"2"}}',
  },
  {
    name: 'a field twice, warned of',
    http: 'POST',
    path: `${configMaps}?dryRun=All`,
    headers: { 'content-type': 'application/json' },
    body: '{"metadata":{"name":"z"},"data":{"a":"1","a":"2"}}',
  },
  {
    name: 'fields twice and unknown, in the order of the text',
    http: 'POST',
    path: `${core}/pods?fieldValidation=Strict`,
    headers: { 'content-type': 'application/json' },
    body: '{"metadata":{"name":"z"},"foo":1,"spec":{"containers":[{"name":"a","image":"b","image":"c"}],"bar":2}}',
  },
  {
    name: 'fields twice and unknown, of a custom kind',
    http: 'POST',
    path: `/apis/security.istio.io/v1/namespaces/${ns}/peerauthentications?fieldValidation=Strict`,
    headers: { 'content-type': 'application/json' },
    body: '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{"name":"z"},"spec":{"foo":1,"mtls":{"mode":"STRICT","mode":"DISABLE"},"mtls":{}}}',
  },
  ...[
    ['strict', '&fieldValidation=Strict', ''],
    ['warned of', '', 'nope: 1\n'],
  ].map(
    ([how, query, more]): Step => ({
      name: `a field twice in YAML, ${how}`,
      http: 'POST',
      path: `${configMaps}?dryRun=All${query}`,
      headers: { 'content-type': 'application/yaml' },
      body: `metadata:\n  name: z\ndata:\n  a: "1"\n  a: "2"\n${more}`,
    }),
  ),
  {
    name: 'a field twice in an applied object',
    http: 'PATCH',
    path: `${configMaps}/z?dryRun=All&fieldManager=x&fieldValidation=Strict`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: z\ndata:\n  a: "1"\n  a: "2"\n',
  },
  ...[
    '',
    'nope',
    '{"metadata":{"name":"a"}}{}',
    '{"data":{"a":01}}',
    '{"data" 1}',
    '{"data":"\\q"}',
    '[1',
  ].map(
    (body): Step => ({
      name: `no JSON: ${body || 'nothing'}`,
      http: 'POST',
      path: configMaps,
      headers: { 'content-type': 'application/json' },
      body,
    }),
  ),
  get('a page of another server', `${configMaps}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjIifQ`),
  get('a page without a version', `${configMaps}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ`),
  get('a page without a start', `${configMaps}?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0`),
  ...[
    '/apis/apps/v1/replicasets',
    '/api/v1/replicationcontrollers',
    '/apis/batch/v1/jobs',
    '/apis/certificates.k8s.io/v1/certificatesigningrequests',
  ].map((path) => get(`a field that cannot be selected: ${path}`, `${path}?fieldSelector=status.foo=1`)),
  get(
    'requests by their signer',
    '/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=spec.signerName=x',
  ),
  send('an unknown validation', 'POST', `${configMaps}?fieldValidation=Loose`, {}),
  send('a manager’s name too long', 'POST', `${configMaps}?fieldManager=${'m'.repeat(129)}`, {
    metadata: { name: 'v' },
  }),
  send('a generated name', 'POST', `${configMaps}?dryRun=All`, { metadata: { generateName: 'gen-' } }),
  get('logs of a pod without a node', `${core}/pods/web/log`),
  get('logs of no pod', `${core}/pods/none/log`),
  get('logs of another container', `${core}/pods/web/log?container=x`),
  get('exec in a pod without a node', `${core}/pods/web/exec?command=true`),
  get('exec of nothing', `${core}/pods/web/exec`),
  get('proxy to no service', `${core}/services/none/proxy/`),
  get('proxy to a pod without an address', `${core}/pods/web/proxy/`),
  get('scale of a pod', `${core}/pods/web/scale`),
  send('evicted', 'POST', `${core}/pods/web/eviction?dryRun=All`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: 'web' },
  }),
  send('evicted under another name', 'POST', `${core}/pods/web/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: 'other' },
  }),
  send('bound to a node', 'POST', `${core}/pods/none/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'none' },
    target: { kind: 'Node', name: 'n' },
  }),
  send(
    'what cannot change in a pod',
    'PATCH',
    `${core}/pods/web`,
    { spec: { hostNetwork: true } },
    'application/merge-patch+json',
  ),
  send(
    'what can change in a pod',
    'PATCH',
    `${core}/pods/web?dryRun=All`,
    { spec: { containers: [{ name: 'c', image: 'example.com/d' }] } },
    'application/strategic-merge-patch+json',
  ),
];

const commands: readonly Step[] = [
  kubectl('get pods', `get pods -n ${ns}`),
  kubectl('get pods wide', `get pods -n ${ns} -o wide`),
  kubectl('get pods with labels', `get pods -n ${ns} -L app --show-labels`),
  kubectl('get pods sorted', `get pods -n ${ns} --sort-by=.metadata.name -o name`),
  kubectl(
    'get by columns',
    `get pods -n ${ns} -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image`,
  ),
  kubectl('get by selector', `get pods -n ${ns} -l app=web -o name`),
  kubectl('get by field', `get pods -n ${ns} --field-selector status.phase=Running`),
  kubectl('get several kinds', `get configmap/a pod/web -n ${ns}`),
  kubectl('get in chunks', `get configmaps -n ${ns} --chunk-size=2 -l n -o name`),
  kubectl('get YAML', `get configmap a -n ${ns} -o yaml --show-managed-fields`),
  kubectl('get raw', 'get --raw /readyz'),
  kubectl('explain', 'explain pods.spec.containers.ports'),
  kubectl('explain a kind of Istio', 'explain peerauthentication'),
  kubectl('explain a field of Istio', 'explain destinationrule.spec.trafficPolicy.tls'),
  kubectl('explain with values', 'explain cronjob.spec'),
  kubectl('explain all the way down', 'explain authorizationpolicy.spec --recursive'),
  kubectl('explain what is not there', 'explain pods.spec.nothing'),
  kubectl('can I', `auth can-i create pods/exec -n ${ns}`),
  kubectl('wait for a condition', `wait --for=condition=Ready pod/web -n ${ns} --timeout=1s`),
  kubectl('wait for a value', `wait --for=jsonpath={.status.phase}=Pending pod/web -n ${ns} --timeout=5s`),
  kubectl('wait for what is gone', `wait --for=delete pod/none -n ${ns} --timeout=5s`),
  kubectl('logs', `logs web -n ${ns}`),
  kubectl('exec', `exec web -n ${ns} -- true`),
  kubectl('attach', `attach web -n ${ns}`),
  kubectl('port-forward', `port-forward web 0:80 -n ${ns} --pod-running-timeout=1s`),
  kubectl(
    'diff',
    `diff -n ${ns} -f -`,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"2"}}',
  ),
  kubectl(
    'replace',
    `replace -n ${ns} -f -`,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"none"},"data":{}}',
  ),
  kubectl('create a token for nobody', `create token nobody -n ${ns}`),
  kubectl('drain no node', 'drain nowhere'),
  kubectl('rollout of nothing', `rollout status deployment/none -n ${ns}`),
  kubectl('rollout restart of nothing', `rollout restart deployment/none -n ${ns}`),
  kubectl('scale of nothing', `scale deployment/none --replicas=1 -n ${ns}`),
  kubectl('expose of nothing', `expose deployment none -n ${ns} --port=80`),
];

/** Reads of every kind. */
export const reads: StepGroup = {
  name: 'reads',
  namespaces: [ns],
  steps: [
    kubectl('namespace of the reads', `create namespace ${ns}`),
    { name: 'its service account', http: 'GET', path: `${core}/serviceaccounts/default`, until: /^200/ },
    ...names.map((name) =>
      send(`config map ${name}`, 'POST', configMaps, {
        metadata: { name, labels: { n: name } },
        data: { x: '1' },
      }),
    ),
    send('pod web', 'POST', `${core}/pods`, pod('web', { app: 'web' })),
    send('pod other', 'POST', `${core}/pods`, pod('other', { app: 'other' })),
    ...lists,
    ...protocol,
    ...commands,
  ],
};
