/** Pods that nobody runs: deleted before they had a node, or bound to a node that is gone. */
import type { Api } from '../api/api.ts';
import { asPod } from '../kinds/pod.ts';
import type { Controller } from './controller.ts';
import { keyOf, splitKey } from './keys.ts';

export function podCollector(api: Api): Controller {
  return {
    name: 'pod-garbage-collector',
    watches: ['pods', 'nodes'],
    keysOf: ({ object, type }) => {
      if (object.kind === 'Pod') return [keyOf(object)];
      if (type !== 'DELETED') return [];
      return api
        .list('pods')
        .filter((pod) => asPod(pod).spec.nodeName === object.metadata.name)
        .map(keyOf);
    },
    reconcile(key) {
      const { namespace, name } = splitKey(key);
      const found = api.get('pods', namespace, name);
      if (found === undefined) return undefined;
      const { nodeName } = asPod(found).spec;
      const deleted = found.metadata.deletionTimestamp !== undefined;
      const homeless = nodeName !== undefined && api.get('nodes', undefined, nodeName) === undefined;
      if ((deleted && nodeName === undefined) || homeless)
        api.delete('pods', namespace, name, { force: true });
      return undefined;
    },
  };
}
