/** The lab's control plane: policies in, sidecar configuration and certificates out, and injection into new pods. */
import type { AdmissionPlugin, Api } from '../api/api.ts';
import type { Sidecar, SidecarHost } from '../sidecar/sidecar.ts';

export interface IstiodOptions {
  readonly api: Api;
  /** Seconds that a workload certificate lives; 86,400 when absent. Renewed at half of it. */
  readonly certTtlSeconds?: number;
  /** Each proxy hears of a change after a delay of its own, drawn from this range, in milliseconds. Absent: at once. */
  readonly propagation?: { readonly min: number; readonly max: number; readonly seed: number };
}

export interface Istiod {
  /** The mutating webhook's part: adds the sidecar to pods that Istio's rules inject. */
  readonly inject: AdmissionPlugin;
  /** PEM of the mesh's root, as `istio-ca-root-cert` carries it. */
  readonly rootCertificate: string;
  /** Starts a sidecar for an injected pod: it gets its certificate and configuration, and every later change. */
  startSidecar(host: SidecarHost): Sidecar;
  close(): Promise<void>;
}
