/** Namespaces: their labels decide injection, ambient mode and discovery. */
import { FieldReader } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';

export type Namespace = Parsed;

export function parseNamespace(object: KubeObject): Namespace {
  return parseMetadata(object, new FieldReader(), 'cluster');
}

/**
 * True when a control plane of the revision reads the object: an `istio.io/rev` label keeps it to that one revision
 * (istio.io, "Canary Upgrades").
 */
export function readByRevision(labels: Readonly<Record<string, string>>, revision: string): boolean {
  const wanted = labels['istio.io/rev'];
  return wanted === undefined || wanted === revision || revision === '';
}
