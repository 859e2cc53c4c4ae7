/** The page's files, as the build has put them into `dist/ui`: read once, served from memory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { PadlockError } from '../errors.ts';

export interface Asset {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** By path: `/app.js`. */
export type Assets = ReadonlyMap<string, Asset>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** @throws PadlockError `FILE_NOT_READABLE` in a checkout that was never built */
export function readAssets(folder = builtFolder()): Assets {
  const assets = new Map<string, Asset>();
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const type = types[extname(name)];
    if (type !== undefined) {
      assets.set(`/${name}`, { content: new Uint8Array(readFileSync(join(folder, name))), type });
    }
  }
  if (assets.has('/index.html')) return assets;
  throw new PadlockError('FILE_NOT_READABLE', 'the dashboard’s page is not built', {
    hint: 'in a checkout, run: npm run build',
  });
}

/** `dist/ui` of this package, wherever in it this file has ended up. */
function builtFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'dist', 'ui');
}
