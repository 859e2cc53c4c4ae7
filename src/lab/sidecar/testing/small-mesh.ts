/** A mesh without kubelet and controllers: pods, services and endpoints are put in by the test, applications are functions. */
import type { Socket } from 'node:net';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { createApi, type LabApi } from '../../api/create-api.ts';
import { createIstiod } from '../../istiod/create-istiod.ts';
import type { Istiod, IstiodOptions } from '../../istiod/istiod.ts';
import type { Network } from '../../net/network.ts';
import { resetSocket } from '../../net/reset.ts';
import { watchServices } from '../../net/service-table.ts';
import { socketError } from '../../net/socket-error.ts';
import { createNetwork } from '../../net/virtual-network.ts';
import type { Sidecar } from '../sidecar.ts';

export interface SmallWorkload {
  readonly pod: KubeObject;
  readonly ip: string;
  /** Absent: outside the mesh. */
  readonly sidecar: Sidecar | undefined;
  readonly log: readonly string[];
  /** Opens a connection as the application does: through the sidecar where there is one. */
  connect(host: string, port: number): Promise<Socket>;
  /** Past the sidecar, as its own user does: plaintext. */
  connectBare(host: string, port: number): Promise<Socket>;
  /** A page of the sidecar's administration. */
  admin(path: string, port?: number): Promise<{ readonly status: number; readonly body: string }>;
  stop(): Promise<void>;
}

export interface WorkloadOptions {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** Applications by port. */
  readonly listen?: Readonly<Record<number, (socket: Socket) => void>>;
  readonly inMesh?: boolean;
}

export interface ServiceOptions {
  readonly name: string;
  readonly namespace: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: number }[];
  readonly headless?: boolean;
  readonly members: readonly SmallWorkload[];
}

export interface SmallMesh {
  readonly api: LabApi;
  readonly istiod: Istiod;
  readonly network: Network;
  workload(options: WorkloadOptions): Promise<SmallWorkload>;
  service(options: ServiceOptions): Promise<void>;
  apply(...objects: readonly KubeObject[]): Promise<void>;
  remove(resource: string, namespace: string, name: string): Promise<void>;
  close(): Promise<void>;
}

export async function startSmallMesh(options: Partial<Omit<IstiodOptions, 'api'>> = {}): Promise<SmallMesh> {
  const api = createApi();
  for (const name of ['istio-system', 'shop', 'bank', 'plain']) {
    api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'test');
  }
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh: 'accessLogFile: /dev/stdout\n' },
  };
  api.create('configmaps', configMap, 'test');
  const services = watchServices(api);
  const network = await createNetwork(services.table);
  const istiod = await createIstiod({ now: () => Date.now(), drainSeconds: 1, ...options, api });
  const running: SmallWorkload[] = [];
  let lastAddress = 1;

  const put = (resource: string, object: KubeObject): KubeObject => {
    const { namespace, name } = object.metadata;
    const old = api.get(resource, namespace, name);
    if (old === undefined) return api.create(resource, object, 'test');
    const metadata = { ...old.metadata, ...object.metadata };
    return api.update(resource, { ...object, metadata }, 'test');
  };

  return {
    api,
    istiod,
    network,
    async workload(workload) {
      lastAddress += 1;
      const made = await startWorkload(workload, `10.244.9.${lastAddress}`, { api, istiod, network });
      running.push(made);
      return made;
    },
    async service({ name, namespace, ports, headless = false, members }) {
      const selector = { app: name };
      const spec = { selector, ports, ...(headless ? { clusterIP: 'None' } : {}) };
      put('services', { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec });
      put('endpointslices.discovery.k8s.io', {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: `${name}-1`, namespace, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: members.map(({ ip, pod }) => ({
          addresses: [ip],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: pod.metadata.name, namespace },
        })),
        ports: ports.map((port) => ({ name: port.name, port: port.targetPort, protocol: 'TCP' })),
      });
      await istiod.whenSynced();
    },
    async apply(...objects) {
      for (const object of objects) put(resourceOf(object), object);
      await istiod.whenSynced();
    },
    async remove(resource, namespace, name) {
      api.delete(resource, namespace, name);
      await istiod.whenSynced();
    },
    async close() {
      await Promise.all(running.map((workload) => workload.stop()));
      await istiod.close();
      services.close();
      await network.close();
    },
  };
}

function resourceOf({ kind }: KubeObject): string {
  const resources: Readonly<Record<string, string>> = {
    PeerAuthentication: 'peerauthentications.security.istio.io',
    AuthorizationPolicy: 'authorizationpolicies.security.istio.io',
    DestinationRule: 'destinationrules.networking.istio.io',
    VirtualService: 'virtualservices.networking.istio.io',
    Sidecar: 'sidecars.networking.istio.io',
    ServiceEntry: 'serviceentries.networking.istio.io',
    ConfigMap: 'configmaps',
  };
  const resource = resources[kind];
  if (resource === undefined) throw new Error(`the small mesh knows no ${kind}`);
  return resource;
}

interface Parts {
  readonly api: LabApi;
  readonly istiod: Istiod;
  readonly network: Network;
}

async function startWorkload(options: WorkloadOptions, ip: string, parts: Parts): Promise<SmallWorkload> {
  const { api, istiod, network } = parts;
  const { name, namespace, inMesh = true, listen = {} } = options;
  const lines: string[] = [];
  const pod = createPod(options, ip, api);
  const local = async (port: number): Promise<Socket> => {
    const application = listen[port];
    if (application === undefined) throw socketError('ECONNREFUSED', 'connect', { ip: '127.0.0.1', port });
    const { near, far } = await network.pair();
    application(far);
    return near;
  };
  const sidecar = inMesh
    ? istiod.startSidecar({
        pod,
        ip,
        connectLocal: local,
        dial: (to) => network.dial(ip, to),
        log: (line) => lines.push(line),
      })
    : undefined;
  await sidecar?.whenReady();
  const detach = network.attach(ip, (socket, from, to) => {
    if (sidecar !== undefined) sidecar.inbound(socket, from, to);
    else if (listen[to.port] === undefined) resetSocket(socket);
    else listen[to.port]?.(socket);
  });
  const address = (host: string): string => {
    const [found] = network.resolve(host, namespace);
    if (found === undefined) throw new Error(`no address for ${host} in ${namespace}`);
    return found;
  };
  const connectBare = (host: string, port: number): Promise<Socket> =>
    network.dial(ip, { ip: address(host), port });
  return {
    pod,
    ip,
    sidecar,
    log: lines,
    connectBare,
    async connect(host, port) {
      if (sidecar === undefined) return connectBare(host, port);
      const { near, far } = await network.pair();
      sidecar.outbound(far, { ip, port: near.localPort ?? 0 }, { ip: address(host), port });
      return near;
    },
    async admin(path, port = 15000) {
      const server = sidecar?.servers.get(port);
      if (server === undefined) throw new Error(`${name} serves no ${port}`);
      const { near, far } = await network.pair();
      server.emit('connection', far);
      near.end(`GET ${path} HTTP/1.0\r\n\r\n`);
      const chunks: Buffer[] = [];
      for await (const chunk of near) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const [head = '', ...rest] = text.split('\r\n\r\n');
      return { status: Number(head.split(' ')[1]), body: rest.join('\r\n\r\n') };
    },
    async stop() {
      detach();
      await sidecar?.close();
    },
  };
}

function createPod(options: WorkloadOptions, ip: string, api: LabApi): KubeObject {
  const { name, namespace, inMesh = true, listen = {} } = options;
  const ports = Object.keys(listen).map((port) => ({ containerPort: Number(port), protocol: 'TCP' }));
  const created = api.create(
    'pods',
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        labels: {
          app: name.replace(/-\d+$/, ''),
          ...(inMesh ? { 'security.istio.io/tlsMode': 'istio' } : {}),
          ...options.labels,
        },
        annotations: {
          ...(inMesh ? { 'sidecar.istio.io/status': '{"revision":"default"}' } : {}),
          ...options.annotations,
        },
      },
      spec: {
        containers: [{ name: 'app', image: 'example/app', ports }],
        nodeName: 'node',
      },
    },
    'test',
  );
  const account = options.serviceAccount;
  const spec = typeof created.spec === 'object' && created.spec !== null ? created.spec : {};
  const withStatus = api.updateStatus(
    'pods',
    { ...created, status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] } },
    'test',
  );
  return account === undefined
    ? withStatus
    : { ...withStatus, spec: { ...spec, serviceAccountName: account } };
}
