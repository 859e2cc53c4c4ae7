/** One sidecar's connection to the control plane: what was sent to it, when it hears of it, and what it has loaded. */
import type { ProxyConfig } from '../../sidecar/config/proxy-config.ts';

export interface ProxyConnectionOptions {
  /** `NAME.NAMESPACE` */
  readonly name: string;
  /** How long this proxy takes to hear of a change, drawn anew for each change; undefined: no time at all. */
  readonly delayMs: (() => number) | undefined;
  /** It hears the first configuration and none after it. */
  readonly deaf?: boolean;
  readonly load: (config: ProxyConfig) => void;
  readonly onAcknowledged: () => void;
}

export class ProxyConnection {
  readonly name: string;
  readonly #options: ProxyConnectionOptions;
  #sent: ProxyConfig | undefined;
  #acknowledged: string | undefined;
  #pending: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ProxyConnectionOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get sent(): string {
    return this.#sent?.version ?? '';
  }

  get acknowledged(): string | undefined {
    return this.#acknowledged;
  }

  /** True while something is on its way. */
  get pending(): boolean {
    return this.#pending !== undefined;
  }

  /** The first configuration arrives at once, as a proxy waits for it to start; a newer one overtakes one on its way. */
  push(config: ProxyConfig): void {
    if (this.#closed || (this.#sent !== undefined && sameResources(this.#sent, config))) return;
    const first = this.#sent === undefined;
    this.#sent = config;
    const { delayMs, deaf } = this.#options;
    if (deaf === true && !first) return;
    if (first || delayMs === undefined) {
      this.#deliver();
      return;
    }
    // While one is on its way the proxy will find the newest when that arrives.
    if (this.#pending !== undefined) return;
    this.#pending = setTimeout(() => this.#deliver(), delayMs());
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pending);
    this.#pending = undefined;
    this.#options.onAcknowledged();
  }

  #deliver(): void {
    this.#pending = undefined;
    if (this.#closed || this.#sent === undefined) return;
    this.#options.load(this.#sent);
    this.#acknowledged = this.#sent.version;
    this.#options.onAcknowledged();
  }
}

/** Resources that did not change are the same objects, so comparing them is comparing references. */
function sameResources(a: ProxyConfig, b: ProxyConfig): boolean {
  return (
    sameMap(a.listeners, b.listeners) &&
    sameMap(a.clusters, b.clusters) &&
    sameMap(a.endpoints, b.endpoints) &&
    sameMap(a.routes, b.routes)
  );
}

function sameMap<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}
