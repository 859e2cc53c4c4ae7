/** A snapshot from YAML in a test. */
import { parseAllDocuments } from 'yaml';
import type { Snapshot } from '../../mesh/snapshot.ts';
import { isKubeObject } from '../../sources/kube/kube-object.ts';

export function parseManifests(yaml: string): Snapshot {
  const objects = parseAllDocuments(yaml)
    .map((document): unknown => document.toJS())
    .filter(isKubeObject);
  return {
    source: 'test.yaml',
    objects: objects.map((object) => ({ object, origin: { source: 'test.yaml' } })),
    unseen: [],
  };
}
