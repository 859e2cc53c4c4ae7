/** `padlock certs`: read, judge, print. */
import { ExitCode } from '../../errors.ts';
import { certificateInventory, type Inventory } from '../../evidence/certificates/inventory.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import { inventoryCsv, renderInventory } from '../../report/certs-text.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { Context } from '../context.ts';
import { countProgress } from '../count-progress.ts';
import { namespacesMeant } from '../proof-flags.ts';
import type { CertsFlags } from './certs.route.ts';

export default async function certs(this: Context, flags: CertsFlags, namespace?: string): Promise<void> {
  const { signal, clock } = this;
  const cluster = await this.connect(flags);
  const namespaces = namespacesMeant(namespace, flags, cluster);
  const snapshot = await readClusterSnapshot(cluster, {
    signal,
    needsIstio: true,
    ...(namespaces === undefined ? {} : { namespaces }),
  });
  const progress = countProgress(this.stderr, 'reading certificates');
  const now = (): number => clock.now();
  let inventory: Inventory;
  try {
    const effects = { cluster, now, signal, onProgress: progress.update };
    inventory = await certificateInventory(buildMesh(snapshot), namespaces, effects);
  } finally {
    await progress.clear();
  }
  await this.stdout.write(await render(inventory, flags.output, this));
  this.setExitCode(exitCodeFor(inventory));
}

async function render(inventory: Inventory, output: CertsFlags['output'], context: Context): Promise<string> {
  switch (output) {
    case 'json':
      return `${JSON.stringify(inventory, null, 2)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(inventory, { aliasDuplicateObjects: false });
    }
    case 'csv':
      return inventoryCsv(inventory);
    case 'table': {
      const { columns: width, color } = context.stdout;
      return renderInventory(inventory, context.clock.now(), { width, color });
    }
  }
}

function exitCodeFor(inventory: Inventory): ExitCode {
  const findings = [...inventory.findings, ...inventory.entries.flatMap((entry) => entry.findings)];
  if (findings.some((finding) => finding.severity === 'error')) return ExitCode.failed;
  return inventory.unread.length > 0 ? ExitCode.inconclusive : ExitCode.ok;
}
