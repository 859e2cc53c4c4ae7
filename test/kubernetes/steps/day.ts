/** The conformance suite's first script: what people do with kubectl to namespaces, policies, workloads and rights. */
import type { Step, StepGroup } from './step.ts';

const peerAuthentication = (
  spec: string,
  name = 'default',
  version = 'v1',
) => `apiVersion: security.istio.io/${version}
kind: PeerAuthentication
metadata: {name: ${name}, namespace: conf}
spec: ${spec}
`;

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: conf, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1
        ports: [{containerPort: 8080, name: http}]
        readinessProbe: {httpGet: {path: /, port: http}}
`;

const service = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: conf}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
`;

const configMap = (data: string) =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm","namespace":"conf"},"data":${data}}`;
const configMaps = '/api/v1/namespaces/conf/configmaps';
const policies = '/apis/security.istio.io/v1/namespaces/conf/peerauthentications';
const json = { 'content-type': 'application/json' };

const asked: readonly Step[] = [
  { name: 'create namespace', kubectl: ['create', 'namespace', 'conf'] },
  { name: 'create namespace again', kubectl: ['create', 'namespace', 'conf'] },
  { name: 'bad namespace name', kubectl: ['create', 'namespace', 'Not_A_Name'] },
  { name: 'label', kubectl: ['label', 'namespace', 'conf', 'istio-injection=enabled'] },
  { name: 'label again', kubectl: ['label', 'namespace', 'conf', 'istio-injection=disabled'] },
  { name: 'bad label', kubectl: ['label', 'namespace', 'conf', 'a=b c'] },
  { name: 'get namespaces with labels', kubectl: ['get', 'namespace', 'conf', '--show-labels'] },
  { name: 'get missing', kubectl: ['get', 'pod', 'nothing', '-n', 'conf'] },
  { name: 'get unknown kind', kubectl: ['get', 'unicorns', '-n', 'conf'] },
  { name: 'get none', kubectl: ['get', 'pods', '-n', 'conf'] },
  {
    name: 'policy created',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: STRICT}}'),
  },
  {
    name: 'policy unchanged',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: STRICT}}'),
  },
  {
    name: 'policy configured',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: PERMISSIVE}}'),
  },
  {
    name: 'policy of v1beta1',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: STRICT}}', 'default', 'v1beta1'),
  },
  { name: 'policies listed', kubectl: ['get', 'peerauthentication', '-n', 'conf'] },
  { name: 'policies by short name', kubectl: ['get', 'pa', '-n', 'conf', '-o', 'name'] },
  { name: 'policies by a path', kubectl: ['get', 'pa', '-n', 'conf', '-o', 'jsonpath={.items[*].spec}'] },
  {
    name: 'bad mode',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: BAD}}', 'bad'),
  },
  {
    name: 'lower-case mode',
    kubectl: ['create', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: strict}}', 'bad'),
  },
  {
    name: 'unknown field',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mod: STRICT}}', 'bad'),
  },
  {
    name: 'unknown field, warned',
    kubectl: ['apply', '--validate=warn', '--dry-run=server', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mod: STRICT}}', 'bad'),
  },
  {
    name: 'port level without selector',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{portLevelMtls: {8080: {mode: STRICT}}}', 'bad'),
  },
  {
    name: 'port level with selector',
    kubectl: ['apply', '--dry-run=server', '-f', '-'],
    stdin: peerAuthentication(
      '{selector: {matchLabels: {app: web}}, portLevelMtls: {"8080": {mode: STRICT}}}',
      'ok',
    ),
  },
  {
    name: 'port level out of range',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication(
      '{selector: {matchLabels: {app: web}}, portLevelMtls: {"99999": {mode: STRICT}}}',
      'bad',
    ),
  },
  {
    name: 'port level empty',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{selector: {matchLabels: {app: web}}, portLevelMtls: {}}', 'bad'),
  },
  {
    name: 'wildcard in selector',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{selector: {matchLabels: {app: "w*"}}}', 'bad'),
  },
  {
    name: 'mode of wrong type',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: {mode: 7}}', 'bad'),
  },
  {
    name: 'mtls of wrong type',
    kubectl: ['apply', '-f', '-'],
    stdin: peerAuthentication('{mtls: STRICT}', 'bad'),
  },
  {
    name: 'merge patch of a policy',
    kubectl: [
      'patch',
      'pa',
      'default',
      '-n',
      'conf',
      '--type=merge',
      '-p',
      '{"spec":{"mtls":{"mode":"PERMISSIVE"}}}',
    ],
  },
  {
    name: 'JSON patch of a policy',
    kubectl: [
      'patch',
      'pa',
      'default',
      '-n',
      'conf',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/mtls/mode","value":"STRICT"}]',
    ],
  },
  {
    name: 'failing JSON patch',
    kubectl: [
      'patch',
      'pa',
      'default',
      '-n',
      'conf',
      '--type=json',
      '-p',
      '[{"op":"test","path":"/spec/mtls/mode","value":"NO"}]',
    ],
  },
  {
    name: 'strategic patch of a policy',
    kubectl: ['patch', 'pa', 'default', '-n', 'conf', '--type=strategic', '-p', '{"spec":{}}'],
  },
  {
    name: 'patch to a bad mode',
    kubectl: ['patch', 'pa', 'default', '-n', 'conf', '--type=merge', '-p', '{"spec":{"mtls":{"mode":"X"}}}'],
  },
  {
    name: 'destination rule without host',
    kubectl: ['apply', '-f', '-'],
    stdin:
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d, namespace: conf}\nspec: {}\n',
  },
  {
    name: 'destination rule',
    kubectl: ['apply', '-f', '-'],
    stdin:
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d, namespace: conf}\nspec: {host: web, trafficPolicy: {tls: {mode: DISABLE}}}\n',
  },
  { name: 'destination rules listed', kubectl: ['get', 'dr', '-n', 'conf'] },
  {
    name: 'bad tls mode',
    kubectl: ['apply', '-f', '-'],
    stdin:
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: e, namespace: conf}\nspec: {host: web, trafficPolicy: {tls: {mode: MAYBE}}}\n',
  },
  { name: 'deployment created', kubectl: ['apply', '-f', '-'], stdin: deployment },
  {
    name: 'deployment defaulted',
    kubectl: ['get', 'deployment', 'web', '-n', 'conf', '-o', 'jsonpath={.spec}'],
  },
  {
    name: 'deployment with a wrong selector',
    kubectl: ['apply', '-f', '-'],
    stdin: deployment
      .replace('matchLabels: {app: web}', 'matchLabels: {app: other}')
      .replace('name: web, namespace', 'name: wrong, namespace'),
  },
  {
    name: 'deployment without containers',
    kubectl: ['create', '-f', '-'],
    stdin:
      '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"none","namespace":"conf"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[]}}}}',
  },
  {
    name: 'deployment with an unknown field',
    kubectl: ['apply', '-f', '-'],
    stdin: deployment.replace('replicas: 0', 'replica: 0'),
  },
  {
    name: 'deployment with a wrong type',
    kubectl: ['apply', '-f', '-'],
    stdin: deployment.replace('replicas: 0', 'replicas: many'),
  },
  {
    name: 'selector is immutable',
    kubectl: [
      'patch',
      'deployment',
      'web',
      '-n',
      'conf',
      '-p',
      '{"spec":{"selector":{"matchLabels":{"x":"y"}},"template":{"metadata":{"labels":{"x":"y"}}}}}',
    ],
  },
  {
    name: 'strategic merge keeps containers',
    kubectl: [
      'patch',
      'deployment',
      'web',
      '-n',
      'conf',
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}',
    ],
  },
  {
    name: 'after the strategic merge',
    kubectl: ['get', 'deployment', 'web', '-n', 'conf', '-o', 'jsonpath={.spec.template.spec.containers}'],
  },
  { name: 'set image', kubectl: ['set', 'image', 'deployment/web', 'web=example.com/web:2', '-n', 'conf'] },
  { name: 'scale', kubectl: ['scale', 'deployment/web', '--replicas=0', '-n', 'conf'] },
  { name: 'annotate', kubectl: ['annotate', 'deployment', 'web', 'note=hello', '-n', 'conf'] },
  { name: 'service created', kubectl: ['apply', '-f', '-'], stdin: service },
  {
    name: 'service ports',
    kubectl: [
      'get',
      'service',
      'web',
      '-n',
      'conf',
      '-o',
      'jsonpath={.spec.ports} {.spec.type} {.spec.sessionAffinity} {.spec.ipFamilies} {.spec.ipFamilyPolicy} {.spec.internalTrafficPolicy}',
    ],
  },
  {
    name: 'service without ports',
    kubectl: ['create', '-f', '-'],
    stdin:
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"none","namespace":"conf"},"spec":{"selector":{"a":"b"}}}',
  },
  {
    name: 'server-side apply',
    kubectl: ['apply', '--server-side', '--field-manager=one', '-f', '-'],
    stdin: configMap('{"a":"1","b":"1"}'),
  },
  {
    name: 'server-side apply conflict',
    kubectl: ['apply', '--server-side', '--field-manager=two', '-f', '-'],
    stdin: configMap('{"a":"2"}'),
  },
  {
    name: 'server-side apply forced',
    kubectl: ['apply', '--server-side', '--field-manager=two', '--force-conflicts', '-f', '-'],
    stdin: configMap('{"a":"2"}'),
  },
  {
    name: 'server-side apply gives up a field',
    kubectl: ['apply', '--server-side', '--field-manager=one', '-f', '-'],
    stdin: configMap('{}'),
  },
  { name: 'data after both', kubectl: ['get', 'configmap', 'cm', '-n', 'conf', '-o', 'jsonpath={.data}'] },
  { name: 'managers after both', http: 'GET', path: `${configMaps}/cm` },
  {
    name: 'conflict on a stale resourceVersion',
    http: 'PUT',
    path: `${configMaps}/cm`,
    headers: json,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm","namespace":"conf","resourceVersion":"1"}}',
  },
  {
    name: 'name in the path differs',
    http: 'PUT',
    path: `${configMaps}/cm`,
    headers: json,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other","namespace":"conf"}}',
  },
  {
    name: 'create with no name',
    http: 'POST',
    path: configMaps,
    headers: json,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}',
  },
  {
    name: 'create of another kind',
    http: 'POST',
    path: configMaps,
    headers: json,
    body: '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}',
  },
  {
    name: 'create in another namespace',
    http: 'POST',
    path: configMaps,
    headers: json,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"default"}}',
  },
  {
    name: 'create in a missing namespace',
    http: 'POST',
    path: '/api/v1/namespaces/nowhere/configmaps',
    headers: json,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}',
  },
  { name: 'body is not JSON', http: 'POST', path: configMaps, headers: json, body: '{"apiVersion"' },
  {
    name: 'unsupported media type',
    http: 'POST',
    path: configMaps,
    headers: { 'content-type': 'text/plain' },
    body: 'x',
  },
  { name: 'unsupported patch type', http: 'PATCH', path: `${configMaps}/cm`, headers: json, body: '{}' },
  { name: 'not acceptable', http: 'GET', path: `${configMaps}/cm`, headers: { accept: 'text/html' } },
  { name: 'unknown path', http: 'GET', path: '/apis/nothing.example/v1/things' },
  { name: 'unknown resource', http: 'GET', path: '/api/v1/namespaces/conf/unicorns' },
  { name: 'method not allowed', http: 'POST', path: `${configMaps}/cm`, headers: json, body: '{}' },
  { name: 'bad label selector', http: 'GET', path: `${configMaps}?labelSelector=a%3D%3D%3Db` },
  { name: 'bad field selector', http: 'GET', path: `${configMaps}?fieldSelector=data.a%3Db` },
  { name: 'field selector', http: 'GET', path: `${configMaps}?fieldSelector=metadata.name%3Dcm` },
  {
    name: 'strict field validation',
    http: 'POST',
    path: `${policies}?fieldValidation=Strict`,
    headers: json,
    body: '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{"name":"s"},"spec":{"mtls":{"mode":"STRICT","x":1}}}',
  },
  {
    name: 'unknown fields are pruned',
    http: 'POST',
    path: `${policies}?fieldValidation=Ignore&dryRun=All`,
    headers: json,
    body: '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{"name":"s"},"spec":{"mtls":{"mode":"STRICT","x":1}}}',
  },
  {
    name: 'bad dry run',
    http: 'POST',
    path: `${configMaps}?dryRun=Maybe`,
    headers: json,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}',
  },
  {
    name: 'apply without a manager',
    http: 'PATCH',
    path: `${configMaps}/cm`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: configMap('{"a":"3"}'),
  },
  {
    name: 'table of policies',
    http: 'GET',
    path: policies,
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  },
  {
    name: 'metadata alone',
    http: 'GET',
    path: `${policies}/default`,
    headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
  },
  {
    name: 'watch from a forgotten version',
    http: 'GET',
    path: `${configMaps}?watch=1&resourceVersion=nonsense`,
  },
  {
    name: 'access review',
    http: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    headers: json,
    body: '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"namespace":"conf","verb":"patch","group":"security.istio.io","resource":"peerauthentications"}}}',
  },
  { name: 'forbidden to another', kubectl: ['get', 'pods', '-n', 'conf', '--as=alice'] },
  { name: 'forbidden to create', kubectl: ['create', 'configmap', 'x', '-n', 'conf', '--as=alice'] },
  { name: 'role', kubectl: ['create', 'role', 'reader', '--verb=get,list', '--resource=pods', '-n', 'conf'] },
  {
    name: 'role binding',
    kubectl: ['create', 'rolebinding', 'reader', '--role=reader', '--user=alice', '-n', 'conf'],
  },
  { name: 'allowed now', kubectl: ['auth', 'can-i', 'list', 'pods', '-n', 'conf', '--as=alice'] },
  { name: 'still not allowed', kubectl: ['auth', 'can-i', 'delete', 'pods', '-n', 'conf', '--as=alice'] },
  {
    name: 'who am I',
    kubectl: [
      'auth',
      'whoami',
      '--as=alice',
      '--as-group=team',
      '-o',
      'jsonpath={.status.userInfo.username} {.status.userInfo.groups}',
    ],
  },
  { name: 'explain', kubectl: ['explain', 'peerauthentication.spec.mtls.mode'] },
  { name: 'explain a deployment', kubectl: ['explain', 'deployment.spec.replicas'] },
  {
    name: 'delete with a wrong precondition',
    http: 'DELETE',
    path: `${configMaps}/cm`,
    headers: json,
    body: '{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"no"}}',
  },
  {
    name: 'finalizer added',
    kubectl: [
      'patch',
      'configmap',
      'cm',
      '-n',
      'conf',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["example.com/wait"]}}',
    ],
  },
  { name: 'deleted with a finalizer', kubectl: ['delete', 'configmap', 'cm', '-n', 'conf', '--wait=false'] },
  {
    name: 'still there',
    kubectl: [
      'get',
      'configmap',
      'cm',
      '-n',
      'conf',
      '-o',
      'jsonpath={.metadata.finalizers} {.metadata.deletionGracePeriodSeconds}',
    ],
  },
  {
    name: 'finalizer removed',
    kubectl: [
      'patch',
      'configmap',
      'cm',
      '-n',
      'conf',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ],
  },
  { name: 'gone', kubectl: ['get', 'configmap', 'cm', '-n', 'conf'] },
  { name: 'delete all policies', kubectl: ['delete', 'pa', '--all', '-n', 'conf'] },
  { name: 'delete missing', kubectl: ['delete', 'pa', 'default', '-n', 'conf'] },
  {
    name: 'delete missing, ignored',
    kubectl: ['delete', 'pa', 'default', '-n', 'conf', '--ignore-not-found'],
  },
  { name: 'namespace deleted', kubectl: ['delete', 'namespace', 'conf', '--timeout=60s'] },
  { name: 'namespace gone', kubectl: ['get', 'namespace', 'conf'] },
];

/** The day's work. */
export const day: StepGroup = { name: 'day', namespaces: ['conf'], steps: asked };
