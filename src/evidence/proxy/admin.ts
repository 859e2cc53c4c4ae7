/**
 * Reads a sidecar's Envoy admin interface (127.0.0.1:15000 in the pod): by port-forward, else by running `pilot-agent
 * request` in the `istio-proxy` container, else by the API server's pod proxy where the interface was bound to more than
 * the loopback; whichever the rights allow. A reader remembers what was refused.
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { errorForStatus } from '../../sources/kube/status.ts';
import { httpOverStream } from '../http-over-stream.ts';

/** `via`: how it was read. A refusal names each way and why it failed. */
export type AdminAnswer =
  | { readonly ok: true; readonly text: string; readonly via: Way }
  | { readonly ok: false; readonly reasons: readonly string[]; readonly forbidden: boolean };

export type AdminAnswers =
  | { readonly ok: true; readonly texts: readonly string[]; readonly via: Way }
  | { readonly ok: false; readonly reasons: readonly string[]; readonly forbidden: boolean };

export type Way = 'port-forward' | 'exec' | 'pod proxy';

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
    const answer = await this.getAll(namespace, pod, [path]);
    return answer.ok ? { ok: true, via: answer.via, text: answer.texts[0] ?? '' } : answer;
  }

  /**
   * GETs several paths of one proxy, over one connection where there is one.
   * @throws only the signal's reason
   */
  async getAll(namespace: string, pod: string, paths: readonly string[]): Promise<AdminAnswers> {
    const reasons: string[] = [];
    let forbidden = true;
    for (const way of ['port-forward', 'exec', 'pod proxy'] as const) {
      // What is no matter of rights would not go better from outside the pod.
      if (way === 'pod proxy' && !forbidden) break;
      const key = `${namespace}/${way}`;
      const known = this.#refused.get(key);
      if (known !== undefined) {
        reasons.push(known);
        continue;
      }
      try {
        return { ok: true, via: way, texts: await this.#by(way, namespace, pod, paths) };
      } catch (error) {
        this.#signal?.throwIfAborted();
        const reason = `${way}: ${error instanceof Error ? error.message : String(error)}`;
        reasons.push(reason);
        if (error instanceof PadlockError && error.code === 'CLUSTER_FORBIDDEN')
          this.#refused.set(key, reason);
        else if (way !== 'pod proxy') forbidden = false;
      }
    }
    return { ok: false, reasons, forbidden };
  }

  async #by(way: Way, namespace: string, pod: string, paths: readonly string[]): Promise<readonly string[]> {
    if (way === 'port-forward') return this.#byPortForward(namespace, pod, paths);
    const texts: string[] = [];
    for (const path of paths) {
      const text =
        way === 'exec' ? this.#byExec(namespace, pod, path) : this.#byPodProxy(namespace, pod, path);
      texts.push(await text);
    }
    return texts;
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

  async #byPortForward(namespace: string, pod: string, paths: readonly string[]): Promise<readonly string[]> {
    const signal = this.#deadline();
    const stream = await this.#cluster.portForward(namespace, pod, adminPort, signal);
    return httpOverStream(stream, { port: adminPort, paths, signal, maxBytes });
  }

  /** Reaches an admin port that was bound to the pod's address; by default it is bound to the loopback. */
  async #byPodProxy(namespace: string, pod: string, path: string): Promise<string> {
    const answer = await this.#cluster.raw({
      method: 'GET',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}:${adminPort}/proxy${path}`,
      signal: this.#deadline(),
    });
    if (answer.status === 403) {
      const asked = { verb: 'get', group: '', resource: 'pods/proxy', namespace, name: pod };
      throw errorForStatus(answer.status, answer.body, asked, this.#cluster.context);
    }
    if (answer.status === 200) return answer.body;
    throw new Error(`port ${adminPort} cannot be reached from outside the pod (HTTP ${answer.status})`);
  }

  #deadline(): AbortSignal {
    const timeout = AbortSignal.timeout(timeoutMs);
    return this.#signal === undefined ? timeout : AbortSignal.any([this.#signal, timeout]);
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
