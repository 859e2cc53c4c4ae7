/** Where a watch keeps its state: a file that only its owner may read, or a ConfigMap that replicas share. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PadlockError } from '../../errors.ts';
import type { StateStore } from '../../evidence/watch/watch-state.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asText, dig } from '../../sources/json-value.ts';
import { resourcePath } from '../../sources/kube/resource-path.ts';
import { errorForStatus } from '../../sources/kube/status.ts';
import { configMapsType } from '../../sources/snapshot-types.ts';
import { type Place, parsePlace } from '../commands/watch.route.ts';
import { writeFileWhole } from '../write-file.ts';

/** @param where a path, or `configmap:NAMESPACE/NAME` */
export function stateStore(where: string, cwd: string, cluster: Cluster): StateStore {
  const prefix = 'configmap:';
  if (where.startsWith(prefix)) return configMapStore(parsePlace(where.slice(prefix.length)), cluster);
  const path = isAbsolute(where) ? where : join(cwd, where);
  return { load: () => loadFile(path), save: (state) => writeFileWhole(path, [state]) };
}

async function loadFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new PadlockError('FILE_NOT_READABLE', `${path} cannot be read`, { cause });
  }
}

const key = 'state.json.gz';
/** A ConfigMap holds a mebibyte (kubernetes.io/docs/concepts/configuration/configmap). */
const most = 1_000_000;

function configMapStore({ namespace, name }: Place, cluster: Cluster): StateStore {
  return {
    load: async () => {
      const object = await cluster.get(configMapsType, namespace, name);
      const data = asText(dig(object, 'binaryData', key));
      return data === undefined ? undefined : gunzipSync(Buffer.from(data, 'base64')).toString('utf8');
    },
    save: async (state) => {
      const data = gzipSync(state).toString('base64');
      if (data.length > most) {
        throw new PadlockError(
          'CLUSTER_INVALID',
          `the state of ${data.length} bytes is too large for a ConfigMap`,
          {
            hint: 'watch fewer namespaces, or keep it in a file on a volume',
          },
        );
      }
      const manifest = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'padlock' } },
        binaryData: { [key]: data },
      };
      const answer = await cluster.raw({
        method: 'PATCH',
        path: `${resourcePath(configMapsType, namespace, name)}?fieldManager=padlock&force=true`,
        headers: { 'content-type': 'application/apply-patch+yaml', accept: 'application/json' },
        body: JSON.stringify(manifest),
      });
      if (answer.status < 300) return;
      const asked = { verb: 'patch', group: '', resource: 'configmaps', namespace, name };
      throw errorForStatus(answer.status, answer.body, asked, cluster.context);
    },
  };
}
