/** A real Envoy on loopback for the tests that hold Padlock's reading of a proxy to the proxy itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { meshBinary } from '../mesh/binaries.ts';

/** `PADLOCK_ENVOY`, else the one of the mesh of test/mesh, or `envoy` on the PATH; undefined where there is none. */
export async function findEnvoy(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const named = env.PADLOCK_ENVOY;
  const onPath = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'envoy'));
  const candidates = named === undefined || named === '' ? [meshBinary('envoy'), ...onPath] : [named];
  for (const candidate of candidates) {
    if (await executable(candidate)) return candidate;
  }
  return undefined;
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

export interface RealEnvoy {
  readonly folder: string;
  /** An admin answer's text. */
  get(path: string): Promise<string>;
  post(path: string): Promise<string>;
  /** Replaces the dynamic listeners, as a control plane does; resolves when Envoy has taken or refused them. */
  setListeners(listeners: readonly object[]): Promise<void>;
  /** The file that listeners may log to, and what stands in it. */
  readonly accessLogPath: string;
  accessLog(): Promise<string>;
  stop(): Promise<void>;
}

export interface EnvoyOptions {
  readonly nodeId?: string;
  readonly clusters?: readonly object[];
  readonly staticListeners?: readonly object[];
  readonly staticSecrets?: readonly object[];
  readonly bootstrap?: object;
}

const patience = 20_000;

export async function startEnvoy(executablePath: string, options: EnvoyOptions = {}): Promise<RealEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), 'padlock-envoy-'));
  const files = {
    bootstrap: join(folder, 'bootstrap.json'),
    listeners: join(folder, 'listeners.json'),
    admin: join(folder, 'admin'),
    log: join(folder, 'envoy.log'),
    accessLog: join(folder, 'access.log'),
  };
  let version = 0;
  const writeListeners = async (listeners: readonly object[]): Promise<void> => {
    version++;
    const resources = listeners.map((listener) => ({
      '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
      ...listener,
    }));
    await replace(files.listeners, JSON.stringify({ version_info: String(version), resources }));
  };
  await writeListeners([]);
  await writeFile(files.bootstrap, JSON.stringify(bootstrap(options, files.listeners)));
  const child = spawn(
    executablePath,
    [
      ['-c', files.bootstrap],
      ['--admin-address-path', files.admin],
      ['--log-path', files.log],
      ['--file-flush-interval-msec', '50'],
      ['--concurrency', '1'],
      ['--disable-hot-restart'],
    ].flat(),
    { stdio: 'ignore' },
  );
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const address = await eventually('its admin address', async () => {
      if (child.exitCode !== null) throw new Error(`Envoy ended: ${await readFile(files.log, 'utf8')}`);
      const text = await readFile(files.admin, 'utf8').catch(() => '');
      return text === '' ? undefined : text;
    });
    const ask = async (path: string, method: string): Promise<string> =>
      (await fetch(`http://${address}${path}`, { method })).text();
    await eventually('the state LIVE', async () =>
      (await ask('/ready', 'GET')).includes('LIVE') ? true : undefined,
    );
    return {
      folder,
      get: (path) => ask(path, 'GET'),
      post: (path) => ask(path, 'POST'),
      async setListeners(listeners) {
        const before = attempts(await ask('/stats?filter=lds.update_', 'GET'));
        await writeListeners(listeners);
        await eventually('the listeners', async () =>
          attempts(await ask('/stats?filter=lds.update_', 'GET')) > before ? true : undefined,
        );
      },
      accessLogPath: files.accessLog,
      accessLog: () => readFile(files.accessLog, 'utf8').catch(() => ''),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Envoy watches for a move, not for a write. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, text);
  await rename(`${path}.next`, path);
}

/** Updates that were taken or refused. */
function attempts(stats: string): number {
  const counted = [...stats.matchAll(/lds\.update_(?:success|rejected): (\d+)/g)];
  return counted.reduce((sum, [, value]) => sum + Number(value), 0);
}

function bootstrap(options: EnvoyOptions, listenersFile: string): object {
  return {
    node: { id: options.nodeId ?? 'sidecar~127.0.0.1~server.shop~shop.svc.cluster.local', cluster: 'server' },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    dynamic_resources: {
      lds_config: { resource_api_version: 'V3', path_config_source: { path: listenersFile } },
    },
    static_resources: {
      listeners: options.staticListeners ?? [],
      clusters: options.clusters ?? [],
      secrets: options.staticSecrets ?? [],
    },
    ...options.bootstrap,
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

/** Asks until there is an answer. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`waited ${patience} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ports of loopback that nobody uses now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
