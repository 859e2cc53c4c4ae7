/** The istio-proxy container: the control plane's sidecar as a program. */
import type { PodObject } from '../kinds/pod.ts';
import type { Sidecar, SidecarHost } from '../sidecar/sidecar.ts';
import type { Program } from '../workloads/program.ts';
import type { PodNetwork } from './pod-network.ts';

export interface SidecarProgramOptions {
  readonly pod: PodObject;
  readonly network: PodNetwork;
  readonly start: (host: SidecarHost) => Sidecar;
  readonly log: (line: string) => void;
}

/** Starts the sidecar and puts it between the pod and the network. */
export function startSidecarProgram({ pod, network, start, log }: SidecarProgramOptions): Program {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const sidecar = start({
    pod,
    ip: network.ip,
    // Envoy calls the application from 127.0.0.6, by which Istio's rules tell its traffic.
    connectLocal: (port) => network.connectLocal(port, { from: '127.0.0.6', applicationOnly: true }),
    dial: (to) => network.dial(to),
    log,
  });
  network.intercept(sidecar);
  const end = (code: number): void => {
    network.intercept(undefined);
    void sidecar.close().then(() => resolve(code));
  };
  return { ended, serving: sidecar.whenReady(), stop: () => end(0), kill: () => end(137) };
}
