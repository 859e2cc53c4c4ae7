/** Bundles the dashboard's page into dist/ui: its program, its worker, one stylesheet, the page itself. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

/** @param folder where it goes: `dist/ui` */
export async function buildUi(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, entry] of [
    ['app', 'src/ui/main.tsx'],
    ['worker', 'src/ui/worker/worker.ts'],
    ['painter', 'src/ui/lines/painter.ts'],
  ] as const) {
    // One file each: a worker and a page share no chunk, and the page needs no second request.
    const bundle = await rolldown({
      input: entry,
      platform: 'browser',
      tsconfig: 'tsconfig.ui.json',
      // "use client" means nothing outside a server that renders React.
      onLog: (level, log, handle) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
      transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    });
    await bundle.write({ file: `${folder}/${name}.js`, format: 'esm', minify: true, codeSplitting: false });
    await bundle.close();
  }
  const own = readdirSync('src/ui/styles')
    .toSorted()
    .map((name) => `src/ui/styles/${name}`);
  const styles = ['node_modules/@xyflow/react/dist/style.css', ...own];
  writeFileSync(`${folder}/app.css`, styles.map((file) => readFileSync(file, 'utf8')).join('\n'));
  for (const name of ['index.html', 'favicon.svg']) copyFileSync(`src/ui/${name}`, `${folder}/${name}`);
}
