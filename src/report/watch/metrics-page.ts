/** The exporter's page in Prometheus' text format. Names and labels are documented in docs/monitoring.md. */
import {
  type EventName,
  eventNames,
  type KeepEvent,
  type Source,
  subjectOf,
} from '../../evidence/watch/fact.ts';
import type { Traffic } from '../../evidence/watch/traffic-look.ts';
import type { WatchReading } from '../../evidence/watch/watcher.ts';

/** More series than this of one counter are summed up under `sender="other"`. */
const mostSeries = 2_000;

export class WatchMetrics {
  readonly #readings = new Map<Source, WatchReading & { readonly at: number }>();
  readonly #events = new Map<string, number>();
  readonly #traffic = new Map<string, number>();
  #leading = true;

  /** @param at milliseconds since the epoch */
  read(source: Source, reading: WatchReading, traffic: readonly Traffic[], at: number): void {
    this.#readings.set(source, { ...reading, at });
    for (const { kind, namespace, server, sender, count } of traffic) {
      const series = (from: string): string => labels({ kind, namespace, server, sender: from });
      const own = series(sender);
      const key = this.#traffic.has(own) || this.#traffic.size < mostSeries ? own : series('other');
      this.#traffic.set(key, (this.#traffic.get(key) ?? 0) + count);
    }
  }

  told(events: readonly KeepEvent[]): void {
    for (const { event, namespace } of events) {
      const key = labels({ event, namespace });
      this.#events.set(key, (this.#events.get(key) ?? 0) + 1);
    }
  }

  set leading(leading: boolean) {
    this.#leading = leading;
  }

  /** A look of each kind has been done: what readiness asks. */
  get ready(): boolean {
    return this.#readings.has('mesh') || !this.#leading;
  }

  page(): string {
    const mesh = this.#readings.get('mesh');
    const proxies = this.#readings.get('proxies');
    const traffic = this.#readings.get('traffic');
    const modes = (mesh?.facts ?? []).filter(({ key }) => key.startsWith('mode '));
    const outside = countBy(
      (mesh?.facts ?? []).filter(({ key, value }) => key.startsWith('member ') && value === 'none'),
      ({ namespace }) => labels({ namespace }),
    );
    const stale = (proxies?.facts ?? []).filter(({ key }) => key.startsWith('stale '));
    return [
      family('padlock_watch_leading', 'gauge', 'Whether this replica holds the Lease (1) or waits for it.', [
        ['', this.#leading ? 1 : 0],
      ]),
      family(
        'padlock_watch_last_success_timestamp_seconds',
        'gauge',
        'When each source was last read in full.',
        [...this.#readings].map(([source, { at }]) => [labels({ source }), at / 1000]),
      ),
      family('padlock_port_accepts_plaintext', 'gauge', 'Whether plaintext gets to a port, as declared.', [
        ...modes.map(({ key, value, namespace }) => {
          const subject = subjectOf(key);
          const colon = subject.lastIndexOf(':');
          const [mode = '', accepts = ''] = value.split(' ');
          const of = { namespace, workload: subject.slice(0, colon), port: subject.slice(colon + 1), mode };
          return [labels(of), accepts.includes('p') ? 1 : 0] as const;
        }),
      ]),
      family(
        'padlock_workloads_outside_mesh',
        'gauge',
        'Workloads without a proxy in namespaces of the mesh.',
        [...outside],
      ),
      family(
        'padlock_certificate_expiry_timestamp_seconds',
        'gauge',
        'When each proxy’s certificate ends.',
        (proxies?.proxies?.certificates ?? []).map(({ namespace, pod, ends }) => [
          labels({ namespace, pod }),
          ends / 1000,
        ]),
      ),
      family(
        'padlock_root_expiry_timestamp_seconds',
        'gauge',
        'When each root that a proxy trusts ends.',
        (proxies?.proxies?.roots ?? []).map(({ root, ends }) => [labels({ root }), ends / 1000]),
      ),
      family(
        'padlock_proxy_stale',
        'gauge',
        'Proxies that run an old version or have not loaded what is declared.',
        stale.map(({ key, namespace }) => [labels({ namespace, pod: subjectOf(key) }), 1]),
      ),
      family('padlock_proxies', 'gauge', 'Proxies that were read, and that could not be.', [
        [labels({ read: 'yes' }), proxies?.proxies?.read ?? 0],
        [labels({ read: 'no' }), proxies?.proxies?.unread ?? 0],
      ]),
      family(
        'padlock_proxies_counting_tls_failures',
        'gauge',
        'Proxies that export their handshake counters.',
        [['', traffic?.traffic?.counting ?? 0]],
      ),
      family(
        'padlock_insecure_traffic_total',
        'counter',
        'Requests in plaintext, connections refused for lack of mutual TLS, failed handshakes; by sender.',
        [...this.#traffic],
      ),
      family('padlock_events_total', 'counter', 'Events that were told.', [
        ...this.#events,
        ...unheard(this.#events),
      ]),
    ].join('');
  }
}

type Row = readonly [labels: string, value: number];

/** Each event's name is there from the start, at zero, so that a first one is an increase. */
function unheard(heard: ReadonlyMap<string, number>): readonly Row[] {
  const names = new Set([...heard.keys()].map((key) => /event="([^"]*)"/.exec(key)?.[1]));
  return eventNames
    .filter((name: EventName) => !names.has(name))
    .map((event) => [labels({ event, namespace: '' }), 0]);
}

function family(name: string, type: 'gauge' | 'counter', help: string, rows: readonly Row[]): string {
  const lines = rows.map(([of, value]) => `${name}${of} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labels(of: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(of).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function countBy<Item>(items: readonly Item[], key: (item: Item) => string): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(items, key)].map(([name, group]) => [name, group.length]));
}
