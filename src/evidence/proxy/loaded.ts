/** Reads what each pod's proxy has loaded: filter chains of the asked ports, and its certificates. One dump a pod. */

import { PadlockError } from '../../errors.ts';
import { asObject, asText } from '../../sources/json-value.ts';
import { certificatesInDump, type ProxyCertificates } from '../certificates/workload-certificates.ts';
import { type ConfigDump, type EnvoyDump, parseConfigDump } from '../envoy/config-dump.ts';
import { type Configured, configured, hasInboundListener } from '../envoy/inbound.ts';
import { parseListenerLines } from '../envoy/listeners.ts';
import { serverSecrets } from '../envoy/server-secrets.ts';
import { parseStats, type Stats } from '../envoy/stats.ts';
import type { AdminReader } from './admin.ts';
import type { ProxyReader } from './reader.ts';

export type ProxyFacts =
  | {
      readonly read: true;
      readonly via: string;
      readonly byPort: ReadonlyMap<number, Configured>;
      readonly certificates: readonly ProxyCertificates[];
      /** Why the certificates in the dump could not be read. */
      readonly certificatesUnread?: string;
      /** `1.27.1`, from the proxy's node metadata; empty where it does not say. */
      readonly istioVersion: string;
    }
  | { readonly read: false; readonly why: string; readonly notAllowed: boolean };

/**
 * Reads the parts of the dump that matter, which in a large mesh are a thousandth of it; the whole of it where the proxy
 * answers otherwise than expected.
 * @throws only the signal's reason
 */
export async function readProxy(
  reader: ProxyReader,
  namespace: string,
  pod: string,
  ports: readonly number[],
  address: string | undefined,
): Promise<ProxyFacts> {
  const { admin } = reader;
  const dump = (await readParts(admin, namespace, pod, ports)) ?? (await readDump(admin, namespace, pod));
  if ('why' in dump) return { read: false, ...dump };
  const byPort = new Map<number, Configured>();
  if (dump.dump.kind === 'envoy') {
    reader.heard(namespace, pod, dump.dump);
    const replaced =
      ports.length > 0 && drainsReplacedChains(dump.stats ?? (await askDraining(reader, namespace, pod)));
    for (const port of ports) {
      const loaded = configured(dump.dump, port, address);
      byPort.set(port, replaced ? { ...loaded, drainingAcceptsPlaintext: true } : loaded);
    }
  }
  return {
    read: true,
    via: dump.via,
    byPort,
    ...readDumpCertificates(dump.dump),
    istioVersion: dump.dump.kind === 'envoy' ? (asText(dump.dump.node.metadata.ISTIO_VERSION) ?? '') : '',
  };
}

/**
 * Where only filter chains change Envoy replaces them within the listener, and what drains on the old ones is in no dump:
 * it counts them, and does not say what they take.
 */
const drainingChains = 'listener_manager.total_filter_chains_draining';

function drainsReplacedChains(stats: Stats): boolean {
  return (stats.get(drainingChains) ?? 0) > 0;
}

async function askDraining(reader: ProxyReader, namespace: string, pod: string): Promise<Stats> {
  const answer = await reader.stats(namespace, pod, drainingChains);
  return answer.read ? answer.stats : new Map();
}

/** A certificate that is none must not hide what else the dump says. */
function readDumpCertificates(dump: ConfigDump): {
  readonly certificates: readonly ProxyCertificates[];
  readonly certificatesUnread?: string;
} {
  try {
    return { certificates: certificatesInDump(dump) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { certificates: [], certificatesUnread: error.message };
  }
}

/** Ports that the proxy serves itself, by listeners of its bootstrap. */
const ownPorts: ReadonlySet<number> = new Set([15020, 15021, 15090]);

/** @returns undefined where the proxy does not know how to answer in parts, or not all that is needed is in them */
async function readParts(
  admin: AdminReader,
  namespace: string,
  pod: string,
  ports: readonly number[],
): Promise<{ readonly dump: EnvoyDump; readonly via: string; readonly stats: Stats } | undefined> {
  if (ports.some((port) => ownPorts.has(port))) return undefined;
  // The listener that captured connections enter, and any that a Sidecar resource binds to a port itself.
  const names = `^virtual|[_:](${ports.join('|')})$`;
  const answer = await admin.getAll(namespace, pod, [
    '/config_dump?resource=dynamic_active_secrets',
    '/server_info',
    ...(ports.length === 0
      ? []
      : [
          `/config_dump?resource=dynamic_listeners&name_regex=${encodeURIComponent(names)}`,
          '/listeners?format=text',
          `/stats?filter=${drainingChains}`,
        ]),
  ]);
  if (!answer.ok) return undefined;
  const [secretText = '', infoText = '', listenerText, boundText = '', statsText = ''] = answer.texts;
  // A listener by another name that is on one of the ports, as an EnvoyFilter may add it.
  const shown = new RegExp(names);
  if (parseListenerLines(boundText).some(({ name, port }) => ports.includes(port) && !shown.test(name)))
    return undefined;
  try {
    const secrets = parseConfigDump(secretText, pod);
    const listeners = listenerText === undefined ? secrets : parseConfigDump(listenerText, pod);
    if (secrets.kind !== 'envoy' || listeners.kind !== 'envoy' || secrets.secrets.length === 0)
      return undefined;
    if (listenerText !== undefined && !hasInboundListener(listeners)) return undefined;
    // One that has not arrived is not among the active ones.
    const held = new Set(secrets.secrets.map(({ name }) => name));
    if (serverSecrets(listeners).some((name) => !held.has(name))) return undefined;
    const node = asObject(asObject(JSON.parse(infoText)).node);
    const metadata = asObject(node.metadata);
    const dump = { ...listeners, secrets: secrets.secrets, node: { id: asText(node.id) ?? '', metadata } };
    return { dump, via: answer.via, stats: parseStats(statsText) };
  } catch (error) {
    if (error instanceof PadlockError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The dump of a client's proxy, with endpoints, to tell what it would send. */
export async function readClientDump(
  admin: AdminReader,
  namespace: string,
  pod: string,
): Promise<EnvoyDump | undefined> {
  const dump = await readDump(admin, namespace, pod, '/config_dump?include_eds');
  return 'dump' in dump && dump.dump.kind === 'envoy' ? dump.dump : undefined;
}

async function readDump(
  admin: AdminReader,
  namespace: string,
  pod: string,
  path = '/config_dump',
): Promise<
  | { readonly dump: ConfigDump; readonly via: string; readonly stats?: undefined }
  | { readonly why: string; readonly notAllowed: boolean }
> {
  const answer = await admin.get(namespace, pod, path);
  if (!answer.ok) return { why: answer.reasons.join('; '), notAllowed: answer.forbidden };
  try {
    return { dump: parseConfigDump(answer.text, `${namespace}/${pod}`), via: answer.via };
  } catch (error) {
    if (!(error instanceof PadlockError)) throw error;
    return { why: error.message, notAllowed: false };
  }
}
