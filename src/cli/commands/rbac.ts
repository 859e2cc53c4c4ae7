/** `padlock rbac`: which rights, where, for whom; printed as manifests. */
import { PadlockError } from '../../errors.ts';
import { roleManifests, type Subject } from '../../report/roles.ts';
import { capabilities, mergeRules, rightsFor } from '../../sources/rights.ts';
import type { Context } from '../context.ts';
import type { RbacFlags } from './rbac.route.ts';

const roleName = 'padlock';

export default async function rbac(
  this: Context,
  flags: RbacFlags,
  ...namespaces: readonly string[]
): Promise<void> {
  if (namespaces.length === 0 && flags.allNamespaces !== true) {
    throw new PadlockError('USAGE', 'which namespaces are the rights for?', {
      hint: 'name them, or say -A for all',
    });
  }
  const wanted = (flags.for ?? capabilities).flatMap(rightsFor);
  const of = (part: 'cluster' | 'namespace' | 'root') => mergeRules(wanted.flatMap((entry) => entry[part]));
  const subject = subjectOf(flags);
  const manifests =
    flags.allNamespaces === true
      ? roleManifests(
          roleName,
          undefined,
          mergeRules([...of('cluster'), ...of('namespace'), ...of('root')]),
          subject,
        )
      : [
          ...roleManifests(roleName, undefined, of('cluster'), subject),
          ...namespaces.flatMap((namespace) => roleManifests(roleName, namespace, of('namespace'), subject)),
          ...roleManifests(
            `${roleName}-root`,
            flags.rootNamespace,
            rootRules(of('root'), of('namespace')),
            subject,
          ),
        ];
  if (flags.output === 'json') {
    const list = { apiVersion: 'v1', kind: 'List', items: manifests };
    return this.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  }
  const { stringify } = await import('yaml');
  const documents = manifests.map((manifest) => stringify(manifest, { aliasDuplicateObjects: false }));
  return this.stdout.write(documents.join('---\n'));
}

const reads: ReadonlySet<string> = new Set(['list', 'watch']);

/** Mesh-wide policies live in the root namespace, so its Istio kinds are read as well; nothing there is ever written. */
function rootRules(root: ReturnType<typeof mergeRules>, namespace: ReturnType<typeof mergeRules>) {
  if (root.length === 0) return [];
  const policies = namespace.filter(
    ({ apiGroups, verbs }) =>
      apiGroups.some((group) => group.endsWith('.istio.io')) && verbs.every((verb) => reads.has(verb)),
  );
  return mergeRules([...root, ...policies, { apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
}

function subjectOf(flags: RbacFlags): Subject | undefined {
  const given = [flags.user, flags.group, flags.serviceAccount].filter((name) => name !== undefined);
  if (given.length > 1) {
    throw new PadlockError('USAGE', '--user, --group and --service-account exclude each other');
  }
  if (flags.user !== undefined) return { kind: 'User', name: flags.user };
  if (flags.group !== undefined) return { kind: 'Group', name: flags.group };
  if (flags.serviceAccount === undefined) return undefined;
  const [namespace, name] = flags.serviceAccount.split(':');
  if (!namespace || !name) {
    throw new PadlockError('USAGE', `--service-account: "${flags.serviceAccount}" is not NAMESPACE:NAME`);
  }
  return { kind: 'ServiceAccount', namespace, name };
}
