/**
 * The dashboard behind the lab's `kiali` Service. It is started by the first connection: a lab that nobody looks at through it
 * reads no snapshots.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import packageJson from '../../../package.json' with { type: 'json' };
import type { LabConsole } from '../../lab/workloads/program.ts';
import type { Dashboard } from '../../server/dashboard.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';

export interface LabDashboard extends LabConsole {
  /** The lab's kubeconfig is written: from now on connections are taken. */
  open(kubeconfig: string): void;
  close(): Promise<void>;
}

type Outside = Pick<Context, 'clock' | 'stderr' | 'nonce' | 'connect'>;

export function labDashboard(context: Outside): LabDashboard {
  const token = randomBytes(24).toString('base64url');
  const sockets = new Set<Socket>();
  let kubeconfig: string | undefined;
  let dashboard: Promise<Dashboard> | undefined;
  const splice = (socket: Socket, port: number): void => {
    const inner = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  };
  return {
    log: `Padlock's dashboard: kubectl port-forward -n istio-system svc/kiali 20001:20001, then open http://localhost:20001/?token=${token}`,
    accept(socket) {
      if (kubeconfig === undefined) {
        socket.destroy();
        return;
      }
      dashboard ??= serve(context, kubeconfig, token);
      dashboard.then(
        ({ port }) => splice(socket, port),
        (error: unknown) => {
          dashboard = undefined;
          socket.destroy();
          void context.stderr.write(
            `the dashboard could not be started: ${error instanceof Error ? error.message : String(error)}\n`,
          );
        },
      );
    },
    open(path) {
      kubeconfig = path;
    },
    async close() {
      kubeconfig = undefined;
      for (const socket of sockets) socket.destroy();
      if (dashboard !== undefined) await (await dashboard).close();
    },
  };
}

async function serve(context: Outside, kubeconfig: string, token: string): Promise<Dashboard> {
  return serveClusterDashboard(context, await context.connect({ kubeconfig }), { token });
}

/** A dashboard that changes nothing, on any free port; its code is loaded now and not before. */
export async function serveClusterDashboard(
  context: Outside,
  cluster: Cluster,
  options: { readonly token?: string; readonly namespaces?: readonly string[] },
): Promise<Dashboard> {
  const [{ readAssets }, { clusterSource }, { startDashboard }] = await Promise.all([
    import('../../server/assets.ts'),
    import('../../server/cluster-source.ts'),
    import('../../server/dashboard.ts'),
  ]);
  const assets = readAssets();
  const { token, namespaces } = options;
  const { clock } = context;
  const source = await clusterSource({ cluster, clock, ...(namespaces === undefined ? {} : { namespaces }) });
  return startDashboard({
    source,
    assets,
    port: 0,
    allowChanges: false,
    version: packageJson.version,
    clock,
    nonce: () => context.nonce(),
    ...(token === undefined ? {} : { token }),
    onError: (error) => {
      void context.stderr.write(
        `the dashboard failed: ${error instanceof Error ? error.stack : String(error)}\n`,
      );
    },
  });
}
