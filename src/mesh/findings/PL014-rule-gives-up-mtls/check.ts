/** PL014: a DestinationRule keeps clients from mutual TLS that the server would take: it works, without identity or encryption. */
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { levelWords, modeWords, notYet, removeBlock, ruleTroubles } from '../rule-troubles.ts';
import { list, nameOf, workloadRefs } from '../wording.ts';

export function ruleGivesUpMtls(mesh: Mesh): readonly Finding[] {
  return ruleTroubles(mesh, 'gives-up').map((trouble): Finding => {
    const { block, clients, servers, destinations, call } = trouble;
    const { rule, tls } = block;
    const plain = call.sends === 'plaintext';
    return finding('PL014', rule, {
      message: `DestinationRule ${nameOf(rule.ref)} says ${modeWords(block)}${levelWords(block)}: clients send ${plain ? 'plaintext' : `TLS of their own (${tls.mode})`} to ${list([...destinations], 2)}, which takes mutual TLS as well.`,
      field: tls.modeOmitted ? tls.field : `${tls.field}.mode`,
      why: `Calls from ${clients.words()} have no identity${plain ? ' and can be read on the way' : ''}; they fail on the day the server becomes STRICT.${notYet(trouble)}`,
      fix: {
        text: 'Remove this TLS block: automatic mutual TLS takes over.',
        changes: [removeBlock(block)],
      },
      affected: workloadRefs(servers.keys()),
    });
  });
}
