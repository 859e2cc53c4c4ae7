/**
 * Reads a sidecar's Envoy admin interface (127.0.0.1:15000 in the pod): by port-forward, else by running `pilot-agent
 * request` in the `istio-proxy` container; whichever the rights allow. A reader remembers what was refused.
 */
import { request as httpRequest } from 'node:http';
import { PadlockError } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';

/** `via`: how it was read. A refusal names each way and why it failed. */
export type AdminAnswer =
  | { readonly ok: true; readonly text: string; readonly via: Way }
  | { readonly ok: false; readonly reasons: readonly string[]; readonly forbidden: boolean };

export type Way = 'port-forward' | 'exec';

const adminPort = 15000;
const timeoutMs = 20_000;
/** A dump is some 400 kB; in a mesh of thousands of services without a Sidecar resource it can reach 100 MB. */
const maxBytes = 128 * 1024 * 1024;

export class AdminReader {
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal | undefined;
  /** `NAMESPACE/WAY` to the refusal: rights are by namespace, so one refusal is enough. */
  readonly #refused = new Map<string, string>();

  constructor(cluster: Cluster, signal?: AbortSignal) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /**
   * GETs a path like `/config_dump?include_eds`.
   * @throws only the signal's reason; what goes wrong in one pod is part of the answer
   */
  async get(namespace: string, pod: string, path: string): Promise<AdminAnswer> {
    const reasons: string[] = [];
    let forbidden = true;
    for (const way of ['port-forward', 'exec'] as const) {
      const key = `${namespace}/${way}`;
      const known = this.#refused.get(key);
      if (known !== undefined) {
        reasons.push(known);
        continue;
      }
      try {
        const read =
          way === 'exec' ? this.#byExec(namespace, pod, path) : this.#byPortForward(namespace, pod, path);
        return { ok: true, via: way, text: await read };
      } catch (error) {
        this.#signal?.throwIfAborted();
        const reason = `${way}: ${error instanceof Error ? error.message : String(error)}`;
        reasons.push(reason);
        if (error instanceof PadlockError && error.code === 'CLUSTER_FORBIDDEN')
          this.#refused.set(key, reason);
        else forbidden = false;
      }
    }
    return { ok: false, reasons, forbidden };
  }

  async #byExec(namespace: string, pod: string, path: string): Promise<string> {
    const command = ['pilot-agent', 'request', 'GET', path.replace(/^\//, '')];
    const result = await this.#cluster.exec(namespace, pod, command, {
      container: 'istio-proxy',
      maxOutput: maxBytes,
      signal: this.#deadline(),
    });
    if (result.exitCode === 0) return result.stdout;
    throw new Error(`pilot-agent ended with ${result.exitCode}: ${firstLine(result.stderr)}`);
  }

  async #byPortForward(namespace: string, pod: string, path: string): Promise<string> {
    const signal = this.#deadline();
    const stream = await this.#cluster.portForward(namespace, pod, adminPort, signal);
    try {
      return await new Promise((resolve, reject) => {
        const call = httpRequest(
          {
            method: 'GET',
            path,
            headers: { host: `localhost:${adminPort}` },
            createConnection: () => stream,
            signal,
          },
          (answer) => {
            const parts: Buffer[] = [];
            let size = 0;
            answer.on('data', (chunk: Buffer) => {
              parts.push(chunk);
              size += chunk.length;
              if (size > maxBytes) answer.destroy(new Error(`more than ${maxBytes} bytes`));
            });
            answer.on('error', reject);
            answer.on('end', () => {
              const text = Buffer.concat(parts).toString('utf8');
              if (answer.statusCode === 200) resolve(text);
              else reject(new Error(`Envoy answered ${answer.statusCode}: ${firstLine(text)}`));
            });
          },
        );
        // The stream may fail before the request has taken it over.
        stream.on('error', reject);
        call.on('error', reject);
        call.end();
      });
    } finally {
      stream.destroy();
    }
  }

  #deadline(): AbortSignal {
    const timeout = AbortSignal.timeout(timeoutMs);
    return this.#signal === undefined ? timeout : AbortSignal.any([this.#signal, timeout]);
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
