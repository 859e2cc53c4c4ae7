/**
 * The rehearsal of STRICT: an AuthorizationPolicy that would refuse whoever has no mesh identity, as a dry run, which refuses
 * nobody and is counted (istio.io, "Dry Run" of authorization policies; design fact 18).
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { asNumber, dig } from '../../sources/json-value.ts';

export const rehearsalName = 'padlock-rehearsal';
export const dryRunAnnotation = 'istio.io/dry-run';
const hostAnnotation = 'padlock.dev/host';
const pidAnnotation = 'padlock.dev/pid';
const untilAnnotation = 'padlock.dev/until';

/** The run that put it there. */
export interface RunMark {
  readonly host: string;
  readonly pid: number;
}

export function rehearsalPolicy(namespace: string, run: RunMark, until: number): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      name: rehearsalName,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'padlock' },
      annotations: {
        [dryRunAnnotation]: 'true',
        [hostAnnotation]: run.host,
        [pidAnnotation]: String(run.pid),
        [untilAnnotation]: new Date(until).toISOString(),
      },
    },
    spec: { action: 'DENY', rules: [{ from: [{ source: { notPrincipals: ['*'] } }] }] },
  };
}

/**
 * Whether the run that left the policy is over: its process is gone, or, where it ran on another machine, its time is.
 * @param alive of a process on this machine
 */
export function isLeftOver(
  policy: KubeObject,
  here: RunMark,
  now: number,
  alive: (pid: number) => boolean,
): boolean {
  const { annotations = {} } = policy.metadata;
  const until = Date.parse(annotations[untilAnnotation] ?? '');
  if (Number.isNaN(until) || until < now) return true;
  if (annotations[hostAnnotation] !== here.host) return false;
  const pid = asNumber(annotations[pidAnnotation]);
  return pid === undefined || pid === here.pid || !alive(pid);
}

export function leftBy({ metadata }: KubeObject): string {
  const { annotations = {} } = metadata;
  return `a run on ${annotations[hostAnnotation] ?? 'an unknown machine'} (until ${annotations[untilAnnotation]?.slice(0, 19) ?? 'unknown'}Z)`;
}

/** Why a rehearsal would say something wrong here, or do harm; undefined where it would not. */
export function rehearsalObjection(mesh: Mesh, namespace: string): string | undefined {
  const other = mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === 'AuthorizationPolicy' &&
      object.metadata.name !== rehearsalName &&
      [namespace, mesh.config.rootNamespace].includes(object.metadata.namespace ?? '') &&
      object.metadata.annotations?.[dryRunAnnotation] === 'true' &&
      dig(object, 'spec', 'action') === 'DENY',
  );
  if (other !== undefined) {
    const { namespace: where, name } = other.object.metadata;
    return `AuthorizationPolicy ${where}/${name} is a dry run, too, and both would be counted together`;
  }
  if (namespace === mesh.config.rootNamespace) {
    return 'in the root namespace the policy would be for the whole mesh';
  }
  const ambient = mesh.workloads.find(
    (workload) => workload.namespace === namespace && workload.dataplane === 'ambient',
  );
  return ambient === undefined
    ? undefined
    : `${ambient.kind} ${ambient.name} is in ambient mode, where a dry run is not sure to be one`;
}
