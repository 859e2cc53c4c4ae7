/** `padlock posture`: read, evaluate, print. */
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import { edgeRows, inboundRows, type PostureOptions, posture } from '../../mesh/posture.ts';
import type { Context } from '../context.ts';
import { postureTables } from '../posture-tables.ts';
import { snapshotFrom } from '../snapshot-from.ts';
import { ChunkedWriter, writeRows } from '../write-json.ts';
import type { PostureFlags } from './posture.route.ts';

export default async function printPosture(
  this: Context,
  flags: PostureFlags,
  ...files: readonly string[]
): Promise<void> {
  const { snapshot, namespaces } = await snapshotFrom(flags, this, files);
  const mesh = buildMesh(snapshot);
  const options: PostureOptions = {
    ...(flags.port === undefined ? {} : { ports: flags.port }),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(flags.selector === undefined ? {} : { labels: flags.selector }),
  };
  switch (flags.output) {
    case 'json':
      return writeJson(this, mesh, options);
    case 'yaml': {
      const { stringify } = await import('yaml');
      return this.stdout.write(stringify(posture(mesh, options), { aliasDuplicateObjects: false }));
    }
    case 'table':
      return this.stdout.write(
        postureTables(mesh, options, { width: this.stdout.columns, color: this.stdout.color }),
      );
  }
}

/** The design's JSON, one row a line, streamed: edges are as many as clients times endpoints. */
async function writeJson(context: Context, mesh: Mesh, options: PostureOptions): Promise<void> {
  const writer = new ChunkedWriter(context.stdout);
  await writer.write('{\n');
  await writeRows(writer, 'inbound', inboundRows(mesh, options));
  await writer.write(',\n');
  await writeRows(writer, 'edges', edgeRows(mesh, options));
  await writer.write('\n}\n');
  await writer.flush();
}
