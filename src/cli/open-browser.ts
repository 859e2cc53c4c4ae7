/** Opens an address in the user's browser, where there is a desktop to open it on. */
import { spawn } from 'node:child_process';
import type { Context } from './context.ts';

/** @returns whether a browser was asked to open it */
export async function openBrowser(url: string, env: Context['env'], platform: string): Promise<boolean> {
  const command = commandFor(url, env, platform);
  if (command === undefined) return false;
  const [program, ...words] = command;
  return new Promise((resolve) => {
    const child = spawn(program, words, { detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

/** `$BROWSER` first, as people who set it expect; on Linux only where there is a display. */
function commandFor(
  url: string,
  env: Context['env'],
  platform: string,
): readonly [string, ...string[]] | undefined {
  const chosen = env.BROWSER;
  if (chosen !== undefined && chosen !== '') return [chosen, url];
  if (platform === 'darwin') return ['open', url];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  const display = env.DISPLAY ?? env.WAYLAND_DISPLAY ?? '';
  return display === '' ? undefined : ['xdg-open', url];
}
