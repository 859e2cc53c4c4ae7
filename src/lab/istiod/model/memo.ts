import type { KubeObject } from '../../../istio/kubernetes.ts';

/** Parses each object once: the API server never changes an object, it makes a new one. */
export function memoize<T>(parse: (object: KubeObject) => T): (object: KubeObject) => T {
  const known = new WeakMap<KubeObject, T>();
  return (object) => {
    let parsed = known.get(object);
    if (parsed === undefined) {
      parsed = parse(object);
      known.set(object, parsed);
    }
    return parsed;
  };
}
