/** PL011: a DestinationRule's TLS block makes clients send what the server's policy refuses (istio.io, "ClientTLSSettings" and PeerAuthentication modes). */
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
import { type UnseenServer, unseenServers } from './unseen-servers.ts';

export function ruleRefused(mesh: Mesh): readonly Finding[] {
  return [
    ...ruleTroubles(mesh, 'refused').map((trouble) => oneFinding(mesh, trouble)),
    ...unseenServers(mesh).map(unseenFinding),
  ];
}

function oneFinding(mesh: Mesh, trouble: RuleTrouble): Finding {
  const { block, clients, servers, destinations, call } = trouble;
  const { rule, tls } = block;
  const sent = call.sends === 'tls' ? `TLS that is not the mesh's (${tls.mode})` : 'plaintext';
  const at = call.server === undefined ? undefined : inbound(mesh, call.server, call.targetPort);
  const policy = mesh.peerAuthentications.find(
    ({ ref }) => at?.policy !== undefined && nameOf(ref) === nameOf(at.policy),
  );
  const refuses =
    at?.mode === 'STRICT' ? `STRICT refuses it` : `the server's sidecar has no place for it on an HTTP port`;
  return finding('PL011', rule, {
    ...(call.routed ? {} : { severity: 'warning' as const }),
    message: `DestinationRule ${nameOf(rule.ref)} says ${modeWords(block)}${levelWords(block)}: clients send ${sent} to ${list([...destinations], 2)}, and ${refuses}.`,
    field: tls.modeOmitted ? tls.field : `${tls.field}.mode`,
    why: `Calls from ${clients.words()} fail: the server resets the connection, clients see 503.${notYet(trouble)}`,
    fix: {
      text: 'Remove this TLS block: automatic mutual TLS then sends what each endpoint takes.',
      changes: [removeBlock(block)],
    },
    related: policy === undefined ? [] : [related(policy, `makes the server ${at?.mode}`)],
    affected: workloadRefs(servers.keys()),
  });
}

/** Rules in files without the workloads behind them: judged by the namespace's mode alone. */
function unseenFinding({ block, host, reach, policy }: UnseenServer): Finding {
  const { rule, tls } = block;
  return finding('PL011', rule, {
    severity: 'warning',
    message: `DestinationRule ${nameOf(rule.ref)} says ${modeWords(block)}${levelWords(block)} for ${host}, and ${reach} is STRICT.`,
    field: tls.modeOmitted ? tls.field : `${tls.field}.mode`,
    why: 'A workload that is STRICT refuses what clients then send. The workloads behind the host were not read, so their own policies are not known.',
    fix: {
      text: 'Remove this TLS block: automatic mutual TLS then sends what each endpoint takes.',
      changes: [removeBlock(block)],
    },
    related: [related(policy, 'says STRICT')],
  });
}
