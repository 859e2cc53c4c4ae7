/** PL013: a DestinationRule says ISTIO_MUTUAL for endpoints without a sidecar: an explicit mode is used for every endpoint alike. */
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { levelWords, modeWords, notYet, removeBlock, ruleTroubles } from '../rule-troubles.ts';
import { list, nameOf, verb, workloadRefs } from '../wording.ts';

export function ruleToNoSidecar(mesh: Mesh): readonly Finding[] {
  return ruleTroubles(mesh, 'to-no-sidecar').map((trouble): Finding => {
    const { block, clients, servers, destinations } = trouble;
    const { rule, tls } = block;
    const names = [...servers.keys()].map(({ name }) => name);
    return finding('PL013', rule, {
      message: `DestinationRule ${nameOf(rule.ref)} says ${modeWords(block)}${levelWords(block)} for ${list([...destinations], 2)}, but ${list(names)} ${verb(names.length, 'has', 'have')} no sidecar.`,
      field: `${tls.field}.mode`,
      why: `Calls from ${clients.words()} to these endpoints fail with a TLS error (WRONG_VERSION_NUMBER).${notYet(trouble)}`,
      fix: {
        text: 'Remove this TLS block: automatic mutual TLS tells endpoints with and without a sidecar apart.',
        changes: [removeBlock(block)],
      },
      affected: workloadRefs(servers.keys()),
    });
  });
}
