/** The real server that the suite runs on: one that it starts, or the cluster of KUBECONFIG where that was asked for. */
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { installIstioCrds } from './istio-crds.ts';
import { groups, type Tested } from './run-steps.ts';

export interface RealServer extends Tested {
  /** Undefined for a cluster that was there before: it is not restarted or stopped. */
  readonly plane: ControlPlane | undefined;
  /** `1.36.3` */
  readonly version: string;
  stop(): Promise<void>;
}

/** Set by `npm run test:kubernetes -- --existing`: the path of a kubeconfig. */
const existing = process.env.PADLOCK_TEST_KUBECONFIG;

export async function realServer(): Promise<RealServer> {
  const plane = existing === undefined ? await startControlPlane() : undefined;
  const kubeconfig = plane?.kubeconfig ?? existing ?? '';
  const cluster = await connectCluster({ kubeconfig, env: process.env, now: () => Date.now() });
  if (plane !== undefined) await installIstioCrds(cluster);
  const answer = await cluster.raw({ method: 'GET', path: '/version' });
  const version = /"gitVersion":\s*"v([\d.]+)/.exec(answer.body)?.[1] ?? 'unknown';
  return {
    plane,
    kubeconfig,
    cluster,
    version,
    stop: async () => {
      if (plane !== undefined) return plane.stop();
      for (const namespace of groups.flatMap((group) => group.namespaces)) {
        await cluster.raw({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
      }
    },
  };
}
