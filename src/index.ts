/** The library's door: an explicit list of what other programs may build on. Everything else may change at any time. */
export {
  type ErrorCode,
  ExitCode,
  PadlockError,
  type PadlockErrorOptions,
  type TextPosition,
} from './errors.ts';
// What traffic does, and what STRICT would do to it.
export {
  blindSpots,
  type Observation,
  type ObservedPort,
  observedAt,
  type Sender,
  trafficVerdict,
} from './evidence/observed/observation.ts';
export {
  beginObservation,
  type ObserveEffects,
  type ObserveOptions,
  type OpenObservation,
} from './evidence/observed/observe.ts';
// Proof, and the rollout.
export type { VerifyRow } from './evidence/verify/row.ts';
export {
  type Verification,
  type VerifyEffects,
  type VerifyOptions,
  verify,
} from './evidence/verify/verify.ts';
export { formatRef, type KubeObject, type ObjectMeta, type ObjectRef } from './istio/kubernetes.ts';
export type { DeclaredMode, MtlsMode } from './istio/peer-authentication.ts';
// Questions to a mesh: pure functions that run in a browser too.
export { type Edge, edgesTo, type Outcome, type Sends } from './mesh/edge.ts';
export { type EffectiveMode, effectiveMode, type Inbound, inbound, portsOf } from './mesh/inbound.ts';
// What was read, and the mesh that it makes.
export { buildMesh, type Mesh, workloads } from './mesh/mesh.ts';
export {
  type EdgeRow,
  edgeRows,
  type InboundRow,
  inboundRows,
  type Posture,
  type PostureOptions,
  posture,
} from './mesh/posture.ts';
export type { Reason } from './mesh/reason.ts';
export type { Origin, Snapshot, SnapshotObject, Unseen } from './mesh/snapshot.ts';
export { type Change, withChange } from './mesh/what-if.ts';
export type { Workload, WorkloadPod } from './mesh/workload.ts';
export type { Breaker } from './plan/breaker.ts';
export { type NamespacePlan, type PlanInput, planNamespace } from './plan/namespace-plan.ts';
export { strictTarget, type Target, whatIfTarget } from './plan/target.ts';
export { type DriveOptions, drive } from './rollout/drive.ts';
export { type Effect, type Event, initialState, type RolloutState, step } from './rollout/machine.ts';
export { meshObserver, type ObserverEffects, type ObserverOptions } from './rollout/mesh-observer.ts';
export type { Observer, ProofResult } from './rollout/observer.ts';
export type { Plan, Stage, Step } from './rollout/plan.ts';
export { type Prepared, prepare, type SecureOptions } from './rollout/prepare.ts';
export type { Progress } from './rollout/progress.ts';
// Sources.
export type { Cluster, ResourceType } from './sources/cluster.ts';
export { type ClusterSnapshotOptions, readClusterSnapshot } from './sources/cluster-snapshot.ts';
export { type ConnectOptions, connectCluster } from './sources/kube/connect.ts';
export { type ManifestEffects, readManifests } from './sources/manifests/read-manifests.ts';
