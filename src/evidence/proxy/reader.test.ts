import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { recordings } from '../testing/recorded-mesh.ts';
import { readProxy } from './loaded.ts';
import { ProxyReader } from './reader.ts';

test.skipIf(!existsSync(recordings))(
  'what a dump told of a proxy’s access log is not asked of it again (skipped where ../shared/inputs is absent)',
  async () => {
    const dump = readFileSync(join(recordings, 'strict/server/config_dump.json'), 'utf8');
    const asked: string[] = [];
    const cluster = new MemoryCluster({
      exec: (_namespace, _pod, command) => {
        asked.push(command.at(-1) ?? '');
        return { stdout: dump, stderr: '', exitCode: 0 };
      },
    });
    const reader = new ProxyReader({ cluster, now: () => 0 });
    await readProxy(reader, 'shop', 'cart', [8080], undefined);
    const read = asked.length;
    expect(await reader.accessLogging('shop', 'cart')).toMatchObject({ requests: true, refusals: true });
    expect(asked).toHaveLength(read);
    // Another pod is asked, once.
    await reader.accessLogging('shop', 'other');
    expect(await reader.accessLogging('shop', 'other')).toMatchObject({ requests: true, refusals: true });
    expect(asked).toHaveLength(read + 1);
  },
);
