/** The probes of a row that come from outside the mesh: plaintext, and TLS from nobody. */
import type { Workload, WorkloadPod } from '../../mesh/workload.ts';
import type { ProxyCertificates } from '../certificates/workload-certificates.ts';
import { certificatesServed } from '../certificates/workload-certificates.ts';
import type { Container } from '../probe/curl.ts';
import { drainMs, probeForeignTls, probePlaintext } from '../probe/plaintext.ts';
import type { VerifyRow } from './row.ts';
import { factsOf, type Run } from './run.ts';

function outsidersFor(run: Run, workload: Workload): readonly Container[] {
  return [...(run.probes.get(workload.namespace)?.outsiders ?? []), ...run.outsiders];
}

export async function plaintextProbe(
  run: Run,
  workload: Workload,
  pod: WorkloadPod,
  port: number,
  refusalExpected: boolean,
  policyChangedAt: string | undefined,
): Promise<VerifyRow['plaintext'][number]> {
  const name = `${workload.namespace}/${pod.name}`;
  await run.pace.turn(name);
  const at = new Date(run.effects.now()).toISOString();
  const changed = Date.parse(policyChangedAt ?? '');
  const target = {
    namespace: workload.namespace,
    pod: pod.name,
    port,
    address: pod.ips[0],
    refusalExpected,
    ...(Number.isNaN(changed) ? {} : { settledAt: changed + drainMs }),
  };
  const { outcome, caller } = await probePlaintext(target, outsidersFor(run, workload), run.effects);
  return { pod: pod.name, target: `${name}:${port}`, caller, at, outcome };
}

export interface ForeignTlsProbe {
  readonly record: VerifyRow['foreignTls'][number];
  /** What the pod showed in the handshake. */
  readonly served?: ProxyCertificates;
}

/** One probe without a certificate, and one with a self-signed one where a probe pod has it. */
export async function foreignTlsProbes(
  run: Run,
  workload: Workload,
  pod: WorkloadPod,
  port: number,
): Promise<readonly ForeignTlsProbe[]> {
  const callers = outsidersFor(run, workload).filter(
    (from) => from.pod !== pod.name || from.namespace !== workload.namespace,
  );
  for (const from of callers) {
    const first = await foreignTlsProbe(run, workload, pod, port, from, undefined);
    if (first === undefined) continue;
    const certificate = run.probes.get(workload.namespace)?.strangerCertificate;
    const isProbePod = run.probes.get(workload.namespace)?.outsiders.includes(from) === true;
    if (certificate === undefined || !isProbePod) return [first];
    const second = await foreignTlsProbe(run, workload, pod, port, from, certificate);
    return second === undefined ? [first] : [first, second];
  }
  return [];
}

async function foreignTlsProbe(
  run: Run,
  workload: Workload,
  pod: WorkloadPod,
  port: number,
  from: Container,
  certificate: string | undefined,
): Promise<ForeignTlsProbe | undefined> {
  const name = `${workload.namespace}/${pod.name}`;
  await run.pace.turn(name);
  const at = new Date(run.effects.now()).toISOString();
  const target = { namespace: workload.namespace, pod: pod.name, port, address: pod.ips[0] };
  const result = await probeForeignTls(target, from, certificate, run.effects);
  if (result === undefined) return undefined;
  const served = certificatesServed(result.served, run.meshRoots);
  const caller = `curl in ${from.namespace}/${from.pod} (${from.container})`;
  const { outcome } = result;
  const leaf = served?.chain[0];
  const outcomeSeen =
    outcome.kind !== 'refused' || leaf === undefined
      ? outcome
      : { ...outcome, served: leaf.uris, ...otherThanShown(run, workload, pod.name, leaf.fingerprint) };
  return {
    record: { pod: pod.name, target: `${name}:${port}`, caller, at, outcome: outcomeSeen },
    ...(served === undefined ? {} : { served }),
  };
}

/** The proxy's dump holds other certificates than the one that it served: renewed a moment ago, or it does not say. */
function otherThanShown(
  run: Run,
  workload: Workload,
  pod: string,
  fingerprint: string,
): { readonly otherCertificate?: string } {
  const facts = factsOf(run, workload, pod);
  if (facts?.read !== true) return {};
  const shown = facts.certificates.flatMap((set) => set.chain[0] ?? []);
  const known = shown.length === 0 || shown.some((leaf) => leaf.fingerprint === fingerprint);
  return known ? {} : { otherCertificate: fingerprint };
}
