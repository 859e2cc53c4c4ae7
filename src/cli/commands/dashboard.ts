/** `padlock dashboard`: read, serve, open, wait. */
import { platform } from 'node:os';
import packageJson from '../../../package.json' with { type: 'json' };
import { ExitCode, PadlockError } from '../../errors.ts';
import { readAssets } from '../../server/assets.ts';
import { clusterSource } from '../../server/cluster-source.ts';
import { startDashboard } from '../../server/dashboard.ts';
import { fixedSource, type Source } from '../../server/source.ts';
import type { Context } from '../context.ts';
import { openBrowser } from '../open-browser.ts';
import { snapshotFrom } from '../snapshot-from.ts';
import type { DashboardFlags } from './dashboard.route.ts';

export default async function dashboard(
  this: Context,
  flags: DashboardFlags,
  ...files: readonly string[]
): Promise<void> {
  this.finishOnInterrupt();
  const assets = readAssets();
  const source = await sourceOf(this, flags, files);
  const fixedToken = this.env.PADLOCK_DASHBOARD_TOKEN;
  const running = await startDashboard({
    source,
    assets,
    port: flags.port,
    allowChanges: flags.allowChanges === true,
    version: packageJson.version,
    clock: this.clock,
    nonce: () => this.nonce(),
    ...(fixedToken === undefined ? {} : { token: checkedToken(fixedToken) }),
    onError: (error) => {
      void this.stderr.write(
        `the dashboard failed: ${error instanceof Error ? error.stack : String(error)}\n`,
      );
    },
  });
  await this.stdout.write(`Dashboard of ${source.look.snapshot.source}: ${running.url}\n`);
  const opened = flags.noOpen === true ? false : await openBrowser(running.urlOnce, this.env, platform());
  await this.stdout.write(
    `${opened ? 'Opened in your browser. ' : ''}Only this machine can reach it${flags.allowChanges === true ? '' : ', and it changes nothing'}. Ctrl-C ends it.\n`,
  );
  await aborted(this.signal);
  await running.close();
  this.setExitCode(ExitCode.ok);
}

async function sourceOf(context: Context, flags: DashboardFlags, files: readonly string[]): Promise<Source> {
  if (files.length > 0 || (flags.filename ?? []).length > 0) {
    const { snapshot, namespaces } = await snapshotFrom(flags, context, files);
    return fixedSource(snapshot, namespaces);
  }
  if (flags.allNamespaces === true && flags.namespace !== undefined) {
    throw new PadlockError('USAGE', '--namespace and --all-namespaces contradict each other');
  }
  const cluster = await context.connect(flags);
  const namespaces =
    flags.allNamespaces === true
      ? {}
      : { namespaces: [flags.namespace ?? cluster.defaultNamespace ?? 'default'] };
  return clusterSource({ cluster, clock: context.clock, ...namespaces });
}

/** A token that a person chose keeps the page signed in over a restart; a short one can be guessed. */
function checkedToken(token: string): string {
  if (token.length >= 20) return token;
  throw new PadlockError('USAGE', 'PADLOCK_DASHBOARD_TOKEN is shorter than 20 characters', {
    hint: 'make a random one: openssl rand -hex 24',
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
