/** The one way to say that a namespace is not there, with the one that was meant. */
import { PadlockError } from '../errors.ts';
import { nearestName } from '../istio/nearest-name.ts';

const mostNames = 10;

/**
 * @param known the namespaces that are there; empty where they may not be listed
 * @param where what was looked through, where it is not a cluster
 */
export function namespaceNotFound(name: string, known: readonly string[], where?: string): PadlockError {
  const sentence =
    where === undefined ? `there is no namespace "${name}"` : `nothing in ${where} is in namespace "${name}"`;
  return new PadlockError('NAMESPACE_NOT_FOUND', sentence, { hint: hintFor(name, known) });
}

function hintFor(name: string, known: readonly string[]): string {
  const near = nearestName(name, known) ?? known.find((one) => one.includes(name) || name.includes(one));
  if (near !== undefined) return `did you mean ${near}?`;
  const own = known.filter((one) => !one.startsWith('kube-')).toSorted();
  if (own.length === 0) return 'see kubectl get namespaces';
  const more = own.length > mostNames ? ` and ${own.length - mostNames} more` : '';
  return `there are: ${own.slice(0, mostNames).join(', ')}${more}`;
}
