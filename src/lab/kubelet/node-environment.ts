/** What every pod on the lab's nodes shares. */
import type { Api } from '../api/api.ts';
import type { EventRecorder } from '../controllers/events.ts';

import type { PodObject } from '../kinds/pod.ts';
import type { Network } from '../net/network.ts';
import type { Sidecar, SidecarHost } from '../sidecar/sidecar.ts';
import type { ControlPlane } from '../workloads/istiod/xds-server.ts';
import type { LabConsole } from '../workloads/program.ts';
import type { HostTools } from './commands/command.ts';

export interface LabNode {
  readonly name: string;
  /** The node's own address: where probes come from, and what hostNetwork pods have. */
  readonly ip: string;
  /** Counts from 0: its range of pod addresses follows from it. */
  readonly index: number;
}

export interface NodeEnvironment {
  readonly api: Api;
  readonly network: Network;
  readonly tools: HostTools;
  readonly now: () => Date;
  readonly events: (node: string) => EventRecorder;
  /** Starts the sidecar of an injected pod; undefined while the lab runs without a control plane. */
  readonly startSidecar: ((host: SidecarHost) => Sidecar) | undefined;
  /** Undefined while the lab runs without one. */
  readonly controlPlane: ControlPlane | undefined;
  readonly console: LabConsole | undefined;
  /** A token for a pod's service account, as the projected volume holds it. */
  readonly token: (pod: PodObject, audience: string | undefined) => string | undefined;
  /** The folder for containers' files; private to the lab. */
  readonly folder: string;
  /** How long a pod that ends still takes new connections: until everybody has heard that it ends. */
  readonly drainMilliseconds: number;
  readonly onError: (pod: string, error: unknown) => void;
}
