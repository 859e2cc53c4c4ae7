/** Who else writes an object: Argo CD and Flux put their marks on what they manage, and put it back when it changes. */
import type { KubeObject } from '../istio/kubernetes.ts';

/** Label or annotation keys, by the tool that sets them (argo-cd.readthedocs.io, fluxcd.io). */
const marks: readonly (readonly [key: string, tool: string])[] = [
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['configmanagement.gke.io/managed', 'Config Sync'],
  ['configsync.gke.io/resource-id', 'Config Sync'],
  ['objectset.rio.cattle.io/owner-name', 'Fleet'],
];

export interface GitOpsOwner {
  readonly tool: string;
  /** The mark's value: an application's or kustomization's name. */
  readonly name: string;
}

/** @returns the tool that manages an object, or null. */
export function gitOpsOwner(object: KubeObject): GitOpsOwner | null {
  const { labels = {}, annotations = {} } = object.metadata;
  for (const [key, tool] of marks) {
    const value = annotations[key] ?? labels[key];
    // Argo CD's tracking id is APP:GROUP/KIND:NAMESPACE/NAME.
    if (value !== undefined) return { tool, name: value.split(':')[0] ?? value };
  }
  return null;
}
