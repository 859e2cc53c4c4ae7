/** One run of the proof, as `verify` and `evidence` share it: snapshot, probes, rows. */
import { ExitCode, PadlockError } from '../errors.ts';
import { withProbePods } from '../evidence/probe/probe-pods.ts';
import type { Verdict, VerifyRow } from '../evidence/verify/row.ts';
import { type Verification, type VerifyOptions, verify } from '../evidence/verify/verify.ts';
import { buildMesh, type Mesh } from '../mesh/mesh.ts';
import type { Cluster } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import type { Context } from './context.ts';
import { countProgress } from './count-progress.ts';
import { namespacesMeant, type ProofFlags } from './proof-flags.ts';

export interface VerifyRunFlags extends ProofFlags {
  readonly probePods?: boolean;
  readonly probeImage: string;
  /** Milliseconds. */
  readonly since: number;
  readonly window: number;
  readonly rate: number;
}

export interface VerifyRun {
  readonly verification: Verification;
  readonly mesh: Mesh;
  readonly cluster: Cluster;
  readonly namespaces: readonly string[] | undefined;
}

const exitCodes = {
  PROVEN: ExitCode.ok,
  FAILED: ExitCode.failed,
  INCONCLUSIVE: ExitCode.inconclusive,
} as const satisfies Record<Verdict, ExitCode>;

export function exitCodeForVerdict(verdict: Verdict): ExitCode {
  return exitCodes[verdict];
}

/** Progress goes to standard error on a terminal. Throws what connecting, reading and verifying throw. */
export async function verifyRun(
  context: Context,
  flags: VerifyRunFlags,
  named: string | undefined,
  only: Pick<VerifyOptions, 'workload' | 'ports'>,
  onRow: (row: VerifyRow) => void = () => undefined,
): Promise<VerifyRun> {
  // Probe pods are removed on the way out.
  if (flags.probePods === true) context.finishOnInterrupt();
  const { signal, clock } = context;
  const cluster = await context.connect(flags);
  const namespaces = namespacesMeant(named, flags, cluster);
  const scope = namespaces === undefined ? {} : { namespaces };
  const now = (): number => clock.now();
  const mesh = buildMesh(await readClusterSnapshot(cluster, { signal, now, needsIstio: true, ...scope }));
  const progress = countProgress(context.stderr, 'probing');
  const effects = {
    cluster,
    now,
    sleep: (milliseconds: number) => clock.sleep(milliseconds, signal),
    nonce: () => context.nonce(),
    signal,
    onProgress: progress.update,
    onRow,
  };
  const options: VerifyOptions = {
    ...scope,
    ...only,
    observe: { lookBack: flags.since, atLeast: flags.window },
    proxyStatus: true,
    rate: flags.rate,
  };
  try {
    const verification =
      flags.probePods === true
        ? await withProbePods(mesh, { namespaces, image: flags.probeImage }, effects, (probes) =>
            verify(mesh, { ...options, probes }, effects),
          )
        : await verify(mesh, options, effects);
    return { verification, mesh, cluster, namespaces };
  } catch (error) {
    throw orInterrupted(context, error);
  } finally {
    await progress.clear();
  }
}

/** After Ctrl-C whatever was thrown means that, and nothing else. */
export function orInterrupted(context: Context, error: unknown): unknown {
  if (!context.signal.aborted) return error;
  return new PadlockError('INTERRUPTED', 'it was interrupted before it was done', { cause: error });
}
