/** The same mesh with some objects changed: what a plan, a rollout step or a pull request would make of it. */
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import type { Mesh } from './mesh.ts';

export interface Change {
  /** Added, or put in the place of the object of the same kind, namespace and name. */
  readonly apply?: readonly KubeObject[];
  readonly remove?: readonly ObjectRef[];
}

/**
 * The mesh after a change. Answers that the change cannot touch are kept, so one changed policy costs what it selects and
 * not what the mesh holds. A new object without a creation time counts as the newest, as it would be in a cluster.
 */
export function withChange(_mesh: Mesh, _change: Change): Mesh {
  throw new Error('in progress');
}
