/** Bundles the command line and the library into dist/, one chunk for each lazily loaded command. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
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
  // The oldest Node that `engines` allows.
  transform: { target: 'node22.19' },
});
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();
refuseStrangers(
  output.flatMap((part) =>
    part.type === 'chunk'
      ? [...part.imports, ...part.dynamicImports].map((name) => [part.fileName, name])
      : [],
  ),
);
await buildUi('dist/ui');

const types = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
  stdio: 'inherit',
});
process.exit(types.status ?? 1);

/**
 * What a chunk imports must be part of the package or one of its dependencies. Syntax that the oldest Node cannot read
 * shows here too: the bundler replaces it by helpers from a package of its own.
 */
function refuseStrangers(imports: readonly (readonly [chunk: string, name: string])[]): void {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const known = (name: string): boolean =>
    /^(node:|\.|chunks\/|main|index)/.test(name) ||
    Object.keys(dependencies).some((one) => name === one || name.startsWith(`${one}/`));
  const strangers = imports.filter(([, name]) => !known(name));
  for (const [chunk, name] of strangers) {
    process.stderr.write(`dist/${chunk} imports ${name}, which is no dependency in package.json\n`);
  }
  if (strangers.length > 0) {
    rmSync('dist', { recursive: true, force: true });
    process.exit(1);
  }
}
