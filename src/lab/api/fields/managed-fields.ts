/** Who wrote which field: `metadata.managedFields`, kept on every write. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { WriteOptions } from '../engine/engine.ts';
import type { JsonObject } from '../json.ts';
import type { Resource } from '../registry/resource.ts';

/** Records that a manager wrote the draft over the old object, in the draft's own metadata. */
export function trackUpdate(
  _resource: Resource,
  _old: KubeObject | undefined,
  _draft: JsonObject,
  _options: WriteOptions,
  _time: string,
): void {
  // Field ownership comes with server-side apply.
}
