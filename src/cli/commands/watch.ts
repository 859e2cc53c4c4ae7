/** `padlock watch`: connect, lead where asked, watch, tell. */
import { ExitCode, PadlockError } from '../../errors.ts';
import { Watcher } from '../../evidence/watch/watcher.ts';
import { WatchMetrics } from '../../report/watch/metrics-page.ts';
import { renderBaseline, renderEvent } from '../../report/watch/watch-text.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';
import { type Exporter, startExporter } from '../watch/exporter.ts';
import { whileLeading } from '../watch/leader.ts';
import { stateStore } from '../watch/state-stores.ts';
import type { WatchFlags } from './watch.route.ts';

export default async function watch(this: Context, flags: WatchFlags, named?: string): Promise<void> {
  this.finishOnInterrupt();
  const cluster = await this.connect(flags);
  const namespaces = namespacesOf(flags, named, cluster);
  if (flags.proposeStats === true) return proposal(this, cluster, namespaces);
  const metrics = new WatchMetrics();
  let exporter: Exporter | undefined;
  if (flags.metrics !== undefined) {
    exporter = await startExporter(flags.metrics, metrics);
    await this.stderr.write(`metrics on ${exporter.url}\n`);
  }
  try {
    await led(this, flags, cluster, metrics, (signal) =>
      watcher(this, flags, cluster, namespaces, metrics, signal).run(),
    );
  } catch (error) {
    if (!this.signal.aborted) throw error;
  } finally {
    await exporter?.close();
  }
  this.setExitCode(ExitCode.interrupted);
}

/** Patches that make proxies keep the statistics of failed handshakes. Nothing is applied. */
async function proposal(
  context: Context,
  cluster: Cluster,
  namespaces: readonly string[] | undefined,
): Promise<void> {
  const { meshConfigStats, proposeStats, statsCommands } = await import(
    '../../evidence/watch/stats-proposal.ts'
  );
  const types = ['deployments', 'statefulsets', 'daemonsets'].map(
    (plural) => ({ group: 'apps', version: 'v1', plural, namespaced: true }) as const,
  );
  const places = namespaces ?? [undefined];
  const { signal } = context;
  const lists = await Promise.all(
    types.flatMap((type) =>
      places.map((namespace) =>
        cluster.list(type, namespace === undefined ? { signal } : { namespace, signal }),
      ),
    ),
  );
  const commands = statsCommands(proposeStats(lists.flatMap(({ items }) => items)));
  const mesh = meshConfigStats().replaceAll(/^(?=.)/gm, '#   ');
  await context.stdout.write(
    commands === ''
      ? 'Every workload keeps these statistics already, or there is none.\n'
      : `# Makes the proxies count failed handshakes; each patch restarts the workload's pods.\n${commands}# Or for the whole mesh, in meshConfig, before the pods are restarted:\n${mesh}`,
  );
}

function watcher(
  context: Context,
  flags: WatchFlags,
  cluster: Cluster,
  namespaces: readonly string[] | undefined,
  metrics: WatchMetrics,
  signal: AbortSignal,
): Watcher {
  const { clock, stdout, stderr } = context;
  const style = { width: stdout.columns, color: stdout.color };
  const options = {
    namespaces,
    trafficEveryMs: flags.trafficEvery,
    proxiesEveryMs: flags.proxiesEvery,
    quietMs: flags.quiet,
  };
  return new Watcher(options, {
    cluster,
    signal,
    store: flags.state === undefined ? undefined : stateStore(flags.state, context.cwd, cluster),
    now: () => clock.now(),
    sleep: (milliseconds, until) => clock.sleep(milliseconds, until),
    tell: async (events) => {
      metrics.told(events);
      const json = flags.output === 'json';
      await stdout.write(
        events.map((event) => (json ? `${JSON.stringify(event)}\n` : renderEvent(event, style))).join(''),
      );
    },
    onBaseline: (facts, resumed) => stderr.write(renderBaseline(facts, resumed)),
    onTrouble: (sentence) => void stderr.write(`${sentence}\n`),
    onReading: (source, reading, traffic) => metrics.read(source, reading, traffic, clock.now()),
  });
}

/** Runs the work at once, or while the Lease is held. */
async function led(
  context: Context,
  flags: WatchFlags,
  cluster: Cluster,
  metrics: WatchMetrics,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal, clock, stderr } = context;
  if (flags.lease === undefined) return work(signal);
  const { namespace, name } = flags.lease;
  const holder = {
    leaseName: name,
    cluster,
    namespace,
    holder: `watch-${context.nonce()}`,
    now: () => clock.now(),
  };
  metrics.leading = false;
  const onWait = async (why: string): Promise<void> => stderr.write(`${why}; waiting\n`);
  return whileLeading(holder, clock, signal, onWait, (until) => {
    metrics.leading = true;
    return work(until);
  });
}

function namespacesOf(
  flags: WatchFlags,
  named: string | undefined,
  cluster: Cluster,
): readonly string[] | undefined {
  const asked = [...new Set([flags.namespace, named].filter((name) => name !== undefined))];
  if (asked.length > 1)
    throw new PadlockError('USAGE', `-n ${asked[0]} and ${asked[1]} contradict each other`);
  if (flags.allNamespaces === true) {
    if (asked.length > 0)
      throw new PadlockError('USAGE', `-A means all namespaces, and "${asked[0]}" is one`);
    return undefined;
  }
  const namespace = asked[0] ?? cluster.defaultNamespace;
  if (namespace === undefined) {
    throw new PadlockError('USAGE', 'which namespace?', { hint: 'name one with -n, or say -A for all' });
  }
  return [namespace];
}
