/** PL012: a DestinationRule says ISTIO_MUTUAL for a port that is at DISABLE. An explicit mode asks no endpoint what it takes. */
import { inbound } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import {
  levelWords,
  modeWords,
  notYet,
  type RuleTrouble,
  removeBlock,
  ruleTroubles,
} from '../rule-troubles.ts';
import { list, nameOf, workloadRefs } from '../wording.ts';

export function ruleToDisabledServer(mesh: Mesh): readonly Finding[] {
  return ruleTroubles(mesh, 'to-disabled').map((trouble) => oneFinding(mesh, trouble));
}

function oneFinding(mesh: Mesh, trouble: RuleTrouble): Finding {
  const { block, clients, servers, destinations, call } = trouble;
  const { rule, tls } = block;
  const at = call.server === undefined ? undefined : inbound(mesh, call.server, call.targetPort);
  const policy = mesh.peerAuthentications.find(
    ({ ref }) => at?.policy !== undefined && nameOf(ref) === nameOf(at.policy),
  );
  return finding('PL012', rule, {
    message: `DestinationRule ${nameOf(rule.ref)} says ${modeWords(block)}${levelWords(block)}: clients send mutual TLS to ${list([...destinations], 2)}, where it is turned off.`,
    field: `${tls.field}.mode`,
    why: `Calls from ${clients.words()} fail: the application gets TLS that it cannot read.${notYet(trouble)}`,
    fix: {
      text: 'Remove this TLS block: automatic mutual TLS knows of the exception.',
      changes: [removeBlock(block)],
    },
    related: policy === undefined ? [] : [related(policy, 'says DISABLE for the server')],
    affected: workloadRefs(servers.keys()),
  });
}
