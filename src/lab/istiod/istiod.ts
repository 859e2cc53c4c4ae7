/** The lab's control plane: policies in, sidecar configuration and certificates out, and injection into new pods. */
import type { AdmissionPlugin, Api } from '../api/api.ts';
import type { MeshCa } from '../ca/mesh-ca.ts';
import type { Sidecar, SidecarHost } from '../sidecar/sidecar.ts';

export interface IstiodOptions {
  readonly api: Api;
  /** Milliseconds since the epoch: the clock for certificates, versions, logs and statistics. */
  readonly now: () => number;
  /** Seconds that a workload certificate lives; 86,400 when absent. Renewed at half of it. */
  readonly certTtlSeconds?: number;
  /** Each proxy hears of a change after a delay of its own, drawn from this range, in milliseconds. Absent: at once. */
  readonly propagation?: { readonly min: number; readonly max: number; readonly seed: number };
  /** Seconds for which connections on removed configuration may live on; Envoy's and Istio's default, 45, when absent. */
  readonly drainSeconds?: number;
}

/** What istiod sent to one proxy and what that proxy said it loaded: the data behind `istioctl proxy-status`. */
export interface ProxyStatus {
  /** `NAME.NAMESPACE`, as istioctl prints it. */
  readonly proxy: string;
  readonly sent: string;
  /** Undefined until the first configuration is loaded. */
  readonly acknowledged: string | undefined;
}

/** Made by `createIstiod(options): Promise<Istiod>` in `create-istiod.ts`. */
export interface Istiod {
  /** The mutating webhook's part: adds the sidecar to pods that Istio's rules inject. */
  readonly inject: AdmissionPlugin;
  /** PEM of the mesh's root, as `istio-ca-root-cert` carries it; two roots while the root is being rotated. */
  readonly rootCertificate: string;
  readonly ca: MeshCa;
  /** Starts a sidecar for an injected pod: it gets its certificate and configuration, and every later change. */
  startSidecar(host: SidecarHost): Sidecar;
  /** One entry for each running sidecar, in the order in which they started. */
  status(): readonly ProxyStatus[];
  /** Resolves when every change that the API server has announced is loaded by every sidecar. */
  whenSynced(): Promise<void>;
  close(): Promise<void>;
}
