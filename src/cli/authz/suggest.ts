/** `padlock authz suggest`: read, observe, print. */
import { ExitCode } from '../../errors.ts';
import { observedCalls } from '../../evidence/authz/calls.ts';
import { suggestPolicies } from '../../evidence/authz/suggest.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import { renderSuggestions } from '../../report/authz-text.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { AuthzSuggestFlags } from '../commands/authz.route.ts';
import type { Context } from '../context.ts';

export async function suggest(this: Context, flags: AuthzSuggestFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const { signal, clock } = this;
  const snapshot = await readClusterSnapshot(cluster, { namespaces: [namespace], signal, needsIstio: true });
  const mesh = buildMesh(snapshot);
  const effects = { cluster, signal, now: () => clock.now() };
  const calls = await observedCalls(mesh, namespace, clock.now() - flags.since, effects);
  const options = { paths: flags.paths === true, enforce: flags.enforce === true };
  const suggestions = suggestPolicies(mesh, calls, options);
  const policies = suggestions.flatMap(({ policy }) => (policy === undefined ? [] : [policy]));
  if (flags.output === 'json') {
    const list = { apiVersion: 'v1', kind: 'List', items: policies };
    await this.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  } else {
    const { stringify } = await import('yaml');
    await this.stdout.write(
      policies.map((policy) => stringify(policy, { aliasDuplicateObjects: false })).join('---\n'),
    );
  }
  await this.stderr.write(renderSuggestions(namespace, suggestions));
  if (policies.length === 0) this.setExitCode(ExitCode.inconclusive);
}
