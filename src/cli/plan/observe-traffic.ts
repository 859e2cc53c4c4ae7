/** The watching part of `padlock plan`: first reading, window, second reading. */
import type { Observation } from '../../evidence/observed/observation.ts';
import { beginObservation } from '../../evidence/observed/observe.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { Context } from '../context.ts';

export interface TrafficFlags {
  /** In milliseconds. */
  readonly window: number;
  readonly lookBack: number;
}

/** @param mesh of a snapshot that was just taken */
export async function observeTraffic(
  context: Context,
  cluster: Cluster,
  mesh: Mesh,
  namespace: string,
  { window, lookBack }: TrafficFlags,
): Promise<Observation> {
  const { clock, signal } = context;
  const now = (): number => clock.now();
  const open = await beginObservation(mesh, { namespaces: [namespace], lookBack }, { cluster, now, signal });
  await countDown(context, window);
  const later = await readClusterSnapshot(cluster, { namespaces: [namespace], signal, now });
  return open.finish(buildMesh(later));
}

const eraseLine = '\r\u001b[K';

/** Says on a terminal how much of the window is left. */
async function countDown({ clock, signal, stderr }: Context, window: number): Promise<void> {
  const end = clock.now() + window;
  for (let left = window; left > 0; left = end - clock.now()) {
    if (stderr.isTTY) await stderr.write(`${eraseLine}watching traffic, ${Math.ceil(left / 1000)} s left`);
    await clock.sleep(Math.min(left, 1000), signal);
  }
  if (stderr.isTTY) await stderr.write(eraseLine);
}
