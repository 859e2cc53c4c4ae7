/**
 * PL015: TLS settings that a sidecar leaves out: `credentialName` in a rule without `workloadSelector`, or MUTUAL without a certificate. What is sent then is
 * plaintext (istio.io, ClientTLSSettings.credentialName; istiod builds no TLS context).
 */
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { levelWords, notYet, removeBlock, ruleTroubles } from '../rule-troubles.ts';
import { list, nameOf, workloadRefs } from '../wording.ts';

export function credentialNameOnSidecar(mesh: Mesh): readonly Finding[] {
  return ruleTroubles(mesh, 'dropped').map((trouble): Finding => {
    const { block, clients, servers, destinations, call } = trouble;
    const { rule, tls } = block;
    const credential = call.cluster.decision.cause === 'rule-credential-ignored';
    const what = credential
      ? `names the secret ${tls.credentialName}${levelWords(block)}, which sidecars do not read without a workloadSelector`
      : `says MUTUAL${levelWords(block)} and names no certificate`;
    return finding('PL015', rule, {
      message: `DestinationRule ${nameOf(rule.ref)} ${what}: clients send plaintext to ${list([...destinations], 2)}.`,
      field: credential ? `${tls.field}.credentialName` : `${tls.field}.mode`,
      why: `The rule says ${tls.mode}, and calls from ${clients.words()} can be read by anybody on the way. Nothing logs it.${notYet(trouble)}`,
      fix: {
        text:
          servers.size > 0
            ? 'Remove this TLS block: inside the mesh automatic mutual TLS is what is wanted.'
            : 'Add a workloadSelector for the clients that may read the secret, or name files in place of the secret.',
        changes: servers.size > 0 ? [removeBlock(block)] : [],
      },
      affected: workloadRefs(servers.keys()),
    });
  });
}
