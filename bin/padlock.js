#!/usr/bin/env node
// Plain JavaScript that every Node can parse, so that a too old one hears a sentence and not a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `padlock needs Node.js 22.19 or newer; this is ${process.version}.\n` +
      'hint: in a checkout, `npm ci` brings Node 24 along and `npx padlock` runs on it.\n',
  );
  process.exit(2);
}
import('node:module')
  .then((module) => module.enableCompileCache?.())
  .then(() => import('../dist/main.js'))
  .catch((error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('main.js')) throw error;
    process.stderr.write('padlock is not built yet.\nhint: run `npm run build` in the checkout.\n');
    process.exit(2);
  });
