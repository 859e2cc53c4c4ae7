/** A cluster for the bench of `padlock verify`, in a process of its own as a cluster is; ends when its parent says so. */
import { namespace, startLabCluster, workload } from '../test/lab-cluster.ts';
import { benchNamespace, type LabSaid } from './verify.ts';

const workloads = Number(process.argv[2]);
const ports = Array.from({ length: Number(process.argv[3]) }, (_none, index) => 8080 + index).map((port) => ({
  name: `http-${port}`,
  port,
  target: port,
}));

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: ${benchNamespace} }
spec: { mtls: { mode: STRICT } }
---`;
const servers = Array.from({ length: workloads }, (_none, index) =>
  workload(`app-${index}`, benchNamespace, 'mccutchen/go-httpbin', ports),
);

const started = await startLabCluster();
await started.deploy(
  [
    namespace(benchNamespace, true),
    strict,
    ...servers,
    workload('sleep', benchNamespace, 'curlimages/curl'),
  ].join(''),
  600_000,
);
await started.lab.istiod.whenSynced();
process.on('message', (asked) => {
  if (asked === 'processor') say({ processorMs: processorMs() });
  else void started.close().then(() => process.disconnect());
});
say({ kubeconfig: started.kubeconfig, processorMs: processorMs() });

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function say(message: LabSaid): void {
  process.send?.(message);
}
