/** `padlock guard install`: look, refuse or apply, try, tell. */
import { PadlockError } from '../../errors.ts';
import { formatRef } from '../../istio/kubernetes.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import { type GuardOptions, guardManifests } from '../../rollout/guard/guard-policies.ts';
import { installGuard } from '../../rollout/guard/install.ts';
import { decidingPolicy } from '../../rollout/policies.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { GuardInstallFlags } from '../commands/guard.route.ts';
import type { Context } from '../context.ts';
import { agreed } from '../secure/drive-command.ts';
import { guardEffects } from './effects.ts';

export async function install(this: Context, flags: GuardInstallFlags, namespace: string): Promise<void> {
  const { action, maxExceptionDays } = flags;
  if (flags.print === true) {
    const clusterDomain = flags.clusterDomain ?? 'cluster.local';
    const { stringify } = await import('yaml');
    const manifests = guardManifests({ namespace, action, maxExceptionDays, clusterDomain });
    await this.stdout.write(manifests.map((one) => stringify(one, { lineWidth: 0 })).join('---\n'));
    return;
  }
  const cluster = await this.connect(flags);
  const { signal } = this;
  const snapshot = await readClusterSnapshot(cluster, { namespaces: [namespace], signal, needsIstio: true });
  const mesh = buildMesh(snapshot);
  if (action === 'deny' && flags.force !== true) refuseWithoutStrict(mesh, namespace, this.program);
  const clusterDomain = flags.clusterDomain ?? mesh.config.clusterDomain;
  const options: GuardOptions = { namespace, action, maxExceptionDays, clusterDomain };
  if (!(await mayInstall(this, flags, namespace))) return;
  await installGuard(options, guardEffects(cluster, this));
  const does = action === 'deny' ? 'refuses' : 'warns of';
  await this.stdout.write(
    `The guard of namespace ${namespace} is in place: the API server ${does} what would weaken it.\n` +
      `Tried with a weak PeerAuthentication as a dry run. What stands already: ${this.program} guard status ${namespace}\n`,
  );
}

/** Admission policies belong to the whole cluster: a person is asked; a script that names this command has decided. */
async function mayInstall(context: Context, flags: GuardInstallFlags, namespace: string): Promise<boolean> {
  if (flags.yes === true || !context.stdin.isTTY) return true;
  const does = flags.action === 'deny' ? 'refuse' : 'warn of';
  await context.stdout.write(`Five admission policies will ${does} what weakens namespace ${namespace}.\n`);
  return agreed(context, { yes: false, output: 'text' }, 'Install them?');
}

/** Without a policy of its own the namespace stands or falls with the mesh's, which this guard does not see. */
function refuseWithoutStrict(mesh: Mesh, namespace: string, program: string): void {
  const ref = decidingPolicy(mesh, namespace);
  const deciding = mesh.peerAuthentications.find(
    (policy) => policy.namespace === namespace && policy.name === ref?.name,
  );
  if (deciding?.mode === 'STRICT') return;
  const what =
    ref === undefined
      ? 'has no PeerAuthentication of its own without a selector'
      : `is decided by ${formatRef(ref)}, which does not say STRICT`;
  throw new PadlockError(
    'PREFLIGHT_REFUSED',
    `namespace ${namespace} ${what}: there is nothing to guard yet`,
    {
      hint: `\`${program} secure ${namespace}\` brings it there; --force installs the guard all the same`,
    },
  );
}
