/** When a plan says READY, and that it never rounds up. */
import { expect, test } from 'vitest';
import { noCounts, type Observation } from '../evidence/observed/observation.ts';
import { meshOf } from '../mesh/findings/testing/manifests.ts';
import { type NamespacePlan, planNamespace } from './namespace-plan.ts';
import { strictTarget } from './target.ts';
import { server, service, shopNamespace } from './testing/shop.ts';

const window = { from: '2026-11-24T00:00:00.000Z', to: '2026-11-24T00:01:00.000Z' };
const counts = (requests: number) => ({ ...noCounts, requests });

function observed(mtls: number, plaintext: number, more: Partial<Observation> = {}): Observation {
  const tally = {
    source: 'proxy counters',
    window,
    mtls: counts(mtls),
    plaintext: counts(plaintext),
  } as const;
  const unknown = { kind: 'unknown', name: 'not known', because: '', meshed: false, refused: 0 } as const;
  const sender = { ...unknown, ...counts(plaintext), addresses: [], userAgents: [], knownBy: [] };
  return {
    context: 'c',
    window,
    sources: [],
    unseen: [],
    ports: [
      {
        namespace: 'shop',
        workload: 'Deployment/web',
        workloadId: 'shop/Deployment/web',
        port: 8080,
        mtls: counts(mtls),
        plaintext: counts(plaintext),
        otherTls: noCounts,
        refused: 0,
        tallies: [{ ...tally, otherTls: noCounts, refused: 0 }],
        senders: plaintext > 0 ? [{ ...sender, security: 'plaintext' }] : [],
      },
    ],
    ...more,
  };
}

const web = server({ name: 'web' }) + service('web', '{ name: http, port: 80, targetPort: 8080 }');

function plan(yaml: string, observation: Observation | undefined): NamespacePlan {
  const mesh = meshOf(yaml);
  const target = strictTarget(mesh, 'shop');
  const terms = { owner: 'o', until: '2027-01-01' };
  return planNamespace({ context: 'c', namespace: 'shop', at: window.to, mesh, target, observation, terms });
}

const blind = { source: 'access log', namespace: 'shop', workload: 'Deployment/web', reason: 'x' } as const;

test.each([
  ['mutual TLS only, everything seen', web, observed(5, 0), 'ready'],
  ['plaintext by somebody unknown', web, observed(5, 1), 'would-break'],
  ['no traffic at all', web, observed(0, 0), 'inconclusive'],
  ['traffic not looked at', web, undefined, 'inconclusive'],
  ['a log that may not be read', web, observed(5, 0, { unseen: [blind] }), 'inconclusive'],
  ['only names are missing', web, observed(5, 0, { unseen: [{ ...blind, namesOnly: true }] }), 'ready'],
  [
    'webhooks that may not be listed',
    `${web}\n# unseen: validatingwebhookconfigurations because not allowed\n`,
    observed(5, 0),
    'inconclusive',
  ],
  [
    'nobody has a sidecar',
    server({ name: 'web', sidecar: false }),
    observed(0, 0, { ports: [] }),
    'inconclusive',
  ],
  ['an empty namespace', '', observed(0, 0, { ports: [] }), 'inconclusive'],
  [
    'somebody may call who would be refused',
    web +
      service('web', '{ name: http, port: 80, targetPort: 8080 }', 'spec: type: NodePort').replace(
        'name: web,',
        'name: web-out,',
      ),
    observed(5, 0),
    'inconclusive',
  ],
])('%s: %s', (_name, yaml, observation, answer) => {
  expect(plan(shopNamespace + yaml, observation).answer).toBe(answer);
});

test('plaintext from before a policy that is STRICT already is a note, and no reason against it', () => {
  const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
---`;
  const made = plan(shopNamespace + strict + web, observed(0, 7));
  expect(made).toMatchObject({ answer: 'ready', closesPorts: false, senders: [], quiet: [], exceptions: [] });
  expect(made.notes.join(' ')).toContain('Plaintext was let in at Deployment/web :8080');
});
