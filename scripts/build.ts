/** Bundles the command line and the library into dist/, one chunk for each lazily loaded command. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { buildUi } from './build-ui.ts';

rmSync('dist', { recursive: true, force: true });

const bundle = await rolldown({
  input: { main: 'src/cli/main.ts', index: 'src/index.ts' },
  platform: 'node',
  // Dependencies stay outside: a user's package manager can then replace a vulnerable one.
  external: (id) =>
    !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('node:') && !id.startsWith('\0'),
  tsconfig: 'tsconfig.json',
});
await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();
await buildUi('dist/ui');

const types = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
  stdio: 'inherit',
});
process.exit(types.status ?? 1);
