/** The end of the demo: the same mesh as a page, for whoever sits at a terminal and wants to see it. */
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';
import { openBrowser } from '../open-browser.ts';
import { shop } from './workloads.ts';

/** Asks; serves the page until Enter is pressed. Where nobody can answer nothing is asked. */
export async function offerDashboard(context: Context, cluster: Cluster): Promise<void> {
  const { stdin, stdout, env, signal } = context;
  if (!stdin.isTTY || signal.aborted) return;
  await stdout.write('\nSee this mesh in your browser? [y/N] ');
  if (!/^y(es)?$/i.test((await stdin.readLine())?.trim() ?? '')) return;
  const { serveClusterDashboard } = await import('../lab/lab-console.ts');
  const dashboard = await serveClusterDashboard(context, cluster, { namespaces: [shop] });
  try {
    await stdout.write(`${dashboard.url}\n`);
    const { platform } = await import('node:os');
    await openBrowser(dashboard.urlOnce, env, platform());
    await stdout.write('Press Enter to end the demo. ');
    await Promise.race([stdin.readLine(), aborted(signal)]);
  } finally {
    await dashboard.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
