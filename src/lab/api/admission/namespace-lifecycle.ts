/** Nothing is created in a namespace that does not exist or that is going; the namespaces that the cluster needs stay. */
import type { AdmissionPlugin } from '../api.ts';
import type { Engine } from '../engine/engine.ts';
import { isObject, stringAt } from '../json.ts';
import { ApiStatus, forbidden, notFound } from '../status.ts';

const namespaces = { group: '', resource: 'namespaces' };
const immortal: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** The NamespaceLifecycle plug-in. */
export function namespaceLifecycle(engine: Engine): AdmissionPlugin {
  return ({ operation, resource, namespace, object }) => {
    if (operation === 'DELETE' && resource === 'namespaces' && immortal.has(object.metadata.name)) {
      throw forbidden(namespaces, object.metadata.name, 'this namespace may not be deleted');
    }
    if (operation !== 'CREATE' || namespace === undefined || resource === 'namespaces') return object;
    const found = engine.store.get('namespaces', namespace);
    if (found === undefined) throw notFound(namespaces, namespace);
    const status = found.status;
    const isGoing =
      found.metadata.deletionTimestamp !== undefined ||
      (isObject(status) && stringAt(status, 'phase') === 'Terminating');
    if (isGoing) {
      const [plural = '', ...group] = resource.split('.');
      const refusal = forbidden(
        { group: group.join('.'), resource: plural },
        object.metadata.name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
      throw new ApiStatus('Forbidden', refusal.message, {
        ...refusal.details,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      });
    }
    return object;
  };
}
