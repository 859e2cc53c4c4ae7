/** The sentences of a refusal by authorization. */
import { ApiStatus } from '../status.ts';
import type { Attributes, Decision } from './authorizer.ts';
import type { User } from './user.ts';

/** `pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "conf"`. */
export function forbiddenTo(user: User, attributes: Attributes, decision: Decision): ApiStatus {
  const because = decision.reason === '' ? '' : `: ${decision.reason}`;
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if (attributes.kind === 'path') {
    return new ApiStatus(
      'Forbidden',
      `forbidden: ${who} path ${JSON.stringify(attributes.path)}${because}`,
      {},
    );
  }
  const { group, namespace, name } = attributes;
  const [plural = ''] = attributes.resource.split('/');
  const qualified = group === '' ? plural : `${plural}.${group}`;
  const subject = name === undefined ? qualified : `${qualified} ${JSON.stringify(name)}`;
  const where =
    namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const what = `${who} resource ${JSON.stringify(attributes.resource)} in API group ${JSON.stringify(group)} ${where}`;
  return new ApiStatus('Forbidden', `${subject} is forbidden: ${what}${because}`, {
    ...(name === undefined ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: plural,
  });
}
