/** istiod itself: watches the API, generates configuration, pushes it to sidecars, and certifies them. */

import type { KubeObject } from '../../istio/kubernetes.ts';
import { parsePod } from '../../istio/pod.ts';
import type { Change } from '../api/api.ts';
import { type Rotation, type RotationOptions, startRotation } from '../ca/certificate-rotation.ts';
import { createMeshCa } from '../ca/mesh-ca.ts';
import type { ProxyConfig } from '../sidecar/config/proxy-config.ts';
import type { Sidecar, SidecarHost } from '../sidecar/sidecar.ts';
import { startSidecar } from '../sidecar/start-sidecar.ts';
import { type CertificateSource, faultOf, servedCertificate, strangerCa } from './faults.ts';
import { ConfigGenerator, Interner } from './generate/proxy-config.ts';
import { createInjection } from './injection/injection.ts';
import type { Istiod, IstiodOptions } from './istiod.ts';
import { buildMeshModel, type MeshModel, watchedResources } from './model/mesh-model.ts';
import { describeNode } from './node.ts';
import { ProxyConnection } from './push/proxy-connection.ts';
import { seededRandom } from './push/random.ts';

const defaultCertTtlSeconds = 86_400;
const defaultDrainSeconds = 45;
/** Changes that arrive within this time are pushed together; a push to many proxies is worth a longer wait. */
const debounceMs = 5;
const debouncePerProxyMs = 1;

interface ConnectedProxy {
  readonly connection: ProxyConnection;
  readonly host: SidecarHost;
}

/** Makes the mesh's root and starts to watch; sidecars may be started at once. */
export async function createIstiod(options: IstiodOptions): Promise<Istiod> {
  const { api, now, propagation } = options;
  const random = seededRandom(1);
  // Apart from all other chance, so that the same seed gives the same delays.
  const delays = seededRandom(propagation?.seed ?? 1);
  const objects = new Map<string, KubeObject>();
  const proxies = new Set<ConnectedProxy>();
  const interner = new Interner();
  const lawlessInterner = new Interner();
  let pushes = 0;
  let timer: NodeJS.Timeout | undefined;
  let model: MeshModel = buildMeshModel([]);
  let generator = new ConfigGenerator(model, interner);

  const observe = ({ resource, type, object }: Change): void => {
    const key = `${resource} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
    timer ??= setTimeout(pushAll, debounceMs + proxies.size * debouncePerProxyMs);
  };
  const version = (): string => {
    pushes += 1;
    return `${new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z')}/${pushes}`;
  };
  const push = ({ connection, host }: ConnectedProxy, number: string): void => {
    const { namespace, name } = host.pod.metadata;
    const known = objects.get(`pods ${namespace ?? ''}/${name}`) ?? host.pod;
    connection.push(generator.configFor(podWithAddress(known, host.ip), number));
  };
  /** What a sidecar that ignores policies makes of a configuration. */
  const withoutPolicies = (host: SidecarHost, number: string): ProxyConfig => {
    const lawless = [...objects.values()].filter(({ kind }) => kind !== 'PeerAuthentication');
    const pod = podWithAddress(host.pod, host.ip);
    return new ConfigGenerator(buildMeshModel(lawless), lawlessInterner).configFor(pod, number);
  };
  const rebuild = (): void => {
    clearTimeout(timer);
    timer = undefined;
    model = buildMeshModel(objects.values());
    generator = new ConfigGenerator(model, interner);
  };
  const waiting = new Set<() => void>();
  const announceSync = (): void => {
    if (timer !== undefined || [...proxies].some(({ connection }) => connection.pending)) return;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const pushAll = (): void => {
    rebuild();
    const number = version();
    for (const proxy of proxies) push(proxy, number);
    announceSync();
  };

  const caOptions = { trustDomain: trustDomain(api.list('configmaps')), now };
  const ca = await createMeshCa(caOptions);
  const stranger = strangerCa(caOptions);
  const unwatch = api.watch(watchedResources, observe, { initial: true });

  return {
    ca,
    get rootCertificate() {
      return ca.trustBundle();
    },
    inject: createInjection(() => model, api),
    status: () =>
      [...proxies].map(({ connection }) => ({
        proxy: connection.name,
        sent: connection.sent,
        acknowledged: connection.acknowledged,
      })),
    async whenSynced() {
      // The API server announces changes in microtasks.
      await new Promise(setImmediate);
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
        announceSync();
      });
    },
    startSidecar(host) {
      const node = describeNode(host, model.config);
      const fault = faultOf(host);
      const sidecar = startSidecar({
        host,
        node,
        now,
        random,
        drainMs: (options.drainSeconds ?? defaultDrainSeconds) * 1000,
        hides: fault?.hidden === true,
      });
      const connection = new ProxyConnection({
        name: `${node.podName}.${node.namespace}`,
        delayMs:
          propagation === undefined
            ? undefined
            : () => propagation.min + delays() * (propagation.max - propagation.min),
        deaf: fault?.name === 'stale',
        load(config) {
          sidecar.load(fault?.name === 'ignores-policy' ? withoutPolicies(host, config.version) : config);
          sidecar.shown?.load(config);
          sidecar.checkReady();
        },
        onAcknowledged: announceSync,
      });
      const proxy: ConnectedProxy = { connection, host };
      proxies.add(proxy);
      const putRoots = (): void => {
        for (const { secrets } of [sidecar, ...(sidecar.shown === undefined ? [] : [sidecar.shown])])
          secrets.putRoots(ca.trustBundle());
      };
      putRoots();
      const unsubscribe = ca.onBundleChange(putRoots);
      const ttlSeconds = options.certTtlSeconds ?? defaultCertTtlSeconds;
      const spiffeId = `spiffe://${model.config.trustDomain}/ns/${node.namespace}/sa/${node.serviceAccount}`;
      const keep = (source: CertificateSource, onCertificate: RotationOptions['onCertificate']): Rotation =>
        startRotation({ ...source, now, random, ttlSeconds, onCertificate });
      const rotations = [
        keep(servedCertificate(fault?.name, { ca, spiffeId }, stranger, now), (certificate) => {
          sidecar.secrets.putCertificate(certificate);
          sidecar.checkReady();
        }),
        ...(sidecar.shown === undefined
          ? []
          : [keep({ ca, spiffeId }, (certificate) => sidecar.shown?.secrets.putCertificate(certificate))]),
      ];
      if (timer !== undefined) rebuild();
      push(proxy, version());
      const { close } = sidecar;
      const stop = async (): Promise<void> => {
        proxies.delete(proxy);
        connection.close();
        for (const rotation of rotations) rotation.close();
        unsubscribe();
        interner.forget(`inbound ${node.namespace}/${node.podName}`);
        await close();
      };
      return asSidecar(sidecar, stop);
    },
    async close() {
      clearTimeout(timer);
      unwatch();
      for (const { connection } of proxies) connection.close();
    },
  };
}

function asSidecar(sidecar: Sidecar, close: () => Promise<void>): Sidecar {
  return {
    inbound: (socket, from, to) => sidecar.inbound(socket, from, to),
    outbound: (socket, from, to) => sidecar.outbound(socket, from, to),
    servers: sidecar.servers,
    get ready() {
      return sidecar.ready;
    },
    whenReady: () => sidecar.whenReady(),
    close,
  };
}

/** The pod may not have its address in its status yet when its sidecar starts. */
function podWithAddress(object: KubeObject, ip: string): ReturnType<typeof parsePod> {
  const pod = parsePod(object);
  return pod.ips.includes(ip) ? pod : { ...pod, ips: [ip] };
}

function trustDomain(configMaps: readonly KubeObject[]): string {
  return buildMeshModel(configMaps).config.trustDomain;
}
