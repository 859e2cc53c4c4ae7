/** The library's door: an explicit list of what other programs may build on. */
export { type ErrorCode, ExitCode, PadlockError, type TextPosition } from './errors.ts';
export { formatRef, type KubeObject, type ObjectMeta, type ObjectRef } from './istio/kubernetes.ts';
export type { Origin, Snapshot, SnapshotObject, Unseen } from './mesh/snapshot.ts';
