/** A namespace of sidecars for the tests of a plan, as manifests to which each test adds what it is about. */

export interface Server {
  readonly name: string;
  readonly ports?: readonly number[];
  readonly kind?: 'Deployment' | 'StatefulSet';
  readonly annotations?: string;
  /** Fields of the pod's spec, as YAML flow: `hostNetwork: true`. */
  readonly spec?: string;
  readonly labels?: string;
  readonly container?: string;
  readonly sidecar?: boolean;
}

/** A pod with its owner; pods behind a sidecar unless told otherwise. */
export function server({
  name,
  ports = [8080],
  kind = 'Deployment',
  annotations = '',
  spec = '',
  labels = '',
  container = '',
  sidecar = true,
}: Server): string {
  const list = ports.map((port) => `{ containerPort: ${port}, protocol: TCP }`).join(', ');
  const status = sidecar ? `sidecar.istio.io/status: '{"revision":"default"}'` : '';
  const proxy = sidecar ? ', { name: istio-proxy, image: proxyv2, args: [proxy, sidecar] }' : '';
  const tls = sidecar ? ', security.istio.io/tlsMode: istio' : '';
  const owner = kind === 'Deployment' ? `ReplicaSet, name: ${name}-5d8f` : `${kind}, name: ${name}`;
  return `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} ${labels} } }
    spec: { containers: [{ name: app, image: app, ports: [${list}] }] }
---
apiVersion: v1
kind: Pod
metadata:
  name: ${name}-5d8f-abcde
  namespace: shop
  labels: { app: ${name}, pod-template-hash: 5d8f ${tls} ${labels} }
  annotations: { ${[status, annotations].filter((part) => part !== '').join(', ')} }
  ownerReferences: [{ apiVersion: apps/v1, kind: ${owner}, uid: u, controller: true }]
spec: { serviceAccountName: ${name}, containers: [{ name: app, image: app, ports: [${list}] ${container} }${proxy}] ${spec === '' ? '' : `, ${spec}`} }
status: { phase: Running, podIP: 10.0.0.${name.length + ((ports[0] ?? 0) % 200)}, conditions: [{ type: Ready, status: "True" }] }
---`;
}

export function service(name: string, ports: string, more = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop${more.startsWith('metadata:') ? `, ${more.slice(9)}` : ''} }
spec: { selector: { app: ${name} }, ports: [${ports}] ${more.startsWith('spec:') ? `, ${more.slice(5)}` : ''} }
---`;
}

export const shopNamespace = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled } }
---`;
