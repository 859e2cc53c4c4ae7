/** One sidecar, from its parts: what a pod's istio-proxy container is in the lab. */
import type { Server } from 'node:http';
import { resetSocket } from '../net/reset.ts';
import { createServers } from './admin/servers.ts';
import type { ProxyConfig } from './config/proxy-config.ts';
import { ConfigLoader } from './config-loader.ts';
import type { ProxyNode, ProxyRuntime } from './proxy.ts';
import type { Sidecar, SidecarHost } from './sidecar.ts';
import { IstioMetrics } from './stats/istio-metrics.ts';
import { Stats } from './stats/stats.ts';
import { Secrets } from './tls/secrets.ts';

export interface SidecarOptions {
  readonly host: SidecarHost;
  readonly node: ProxyNode;
  readonly now: () => number;
  readonly random: () => number;
  readonly drainMs: number;
  /** The admin interface shows `shown` instead of what the sidecar does. */
  readonly hides?: boolean;
}

/** A sidecar together with what the control plane does to it. */
export interface RunningSidecar extends Sidecar {
  readonly secrets: Secrets;
  load(config: ProxyConfig): void;
  /** What the admin interface shows in place of the above; only with `hides`. */
  readonly shown: { readonly secrets: Secrets; load(config: ProxyConfig): void } | undefined;
  /** Call after secrets or configuration came: the sidecar is ready once it has both. */
  checkReady(): void;
}

/** Starts without configuration: until the first `load` every connection is refused. */
export function startSidecar(options: SidecarOptions): RunningSidecar {
  const { host, node, now, random, drainMs } = options;
  const secrets = new Secrets(now);
  const proxy: ProxyRuntime = {
    host,
    node,
    now,
    random,
    drainMs,
    stats: new Stats(),
    metrics: new IstioMetrics(),
    secrets,
    config: () => loader.current,
    cluster: (name) => loader.cluster(name),
    routes: (name) => loader.current?.routes.get(name),
  };
  const loader = new ConfigLoader(proxy);
  const shown = options.hides === true ? shownBeside(proxy) : undefined;
  let ready = false;
  let closed = false;
  let announceReady: () => void = () => undefined;
  const becameReady = new Promise<void>((resolve) => {
    announceReady = resolve;
  });
  const servers: ReadonlyMap<number, Server> = createServers({
    proxy: shown?.proxy ?? proxy,
    loader: shown?.loader ?? loader,
    startedAt: now(),
    ready: () => ready,
  });
  return {
    secrets,
    shown:
      shown === undefined
        ? undefined
        : { secrets: shown.proxy.secrets, load: (config) => shown.loader.load(config) },
    servers,
    get ready() {
      return ready;
    },
    whenReady: () => becameReady,
    inbound(socket, from, to) {
      const listener = loader.listeners.get('virtualInbound');
      if (listener === undefined || closed) resetSocket(socket);
      else listener.accept(socket, from, to);
    },
    outbound(socket, from, to) {
      const listener = loader.outboundListener(to);
      if (listener === undefined || closed) resetSocket(socket);
      else listener.accept(socket, from, to);
    },
    load(config) {
      if (closed) return;
      loader.load(config);
    },
    checkReady() {
      if (ready || loader.current === undefined || secrets.certificate === undefined) return;
      ready = true;
      // The agent's own line, which stands before the access log of every sidecar (pkg/istio-agent).
      host.log(`${new Date(now()).toISOString().replace('Z', '000Z')}\tinfo\tEnvoy proxy is ready`);
      announceReady();
    },
    async close() {
      closed = true;
      loader.close();
      shown?.loader.close();
      for (const server of servers.values()) server.closeAllConnections();
    },
  };
}

/** A second set of what the admin interface looks at; no connection ever meets it. */
function shownBeside(proxy: ProxyRuntime): { readonly proxy: ProxyRuntime; readonly loader: ConfigLoader } {
  const beside = { ...proxy, secrets: new Secrets(proxy.now), stats: new Stats() };
  return { proxy: { ...beside, stats: proxy.stats }, loader: new ConfigLoader(beside) };
}
