/** Padlock's reading of a listener held against what callers heard. */
import type { Configured } from '../../src/evidence/envoy/inbound.ts';
import type { Heard } from './calls.ts';
import type { ClientName } from './identities.ts';

/** `safer`: Padlock says that fewer get in than do. `looser`: it says that more do, which no call tried confirms. */
export interface Difference {
  readonly kind: 'safer' | 'looser';
  readonly what: string;
}

export function differences(said: Configured, heard: readonly Heard[]): readonly Difference[] {
  const found: Difference[] = [];
  const isOpen = said.mode === 'UNKNOWN';
  const claim = (what: string, isSaid: boolean, calls: readonly Heard[], answer: Heard['answer']): void => {
    const [proof] = calls.filter((one) => one.answer === answer);
    if (proof !== undefined && !isSaid && !isOpen)
      found.push({ kind: 'safer', what: `${what}: ${proof.call.name}` });
    if (proof === undefined && isSaid) found.push({ kind: 'looser', what });
  };
  const tls = (...clients: readonly ClientName[]): readonly Heard[] =>
    heard.filter(({ call }) => call.tls && clients.includes(call.client));
  claim(
    'plaintext',
    said.acceptsPlaintext,
    heard.filter(({ call }) => !call.tls),
    'echo',
  );
  const anybody = tls('nobody', 'stranger');
  claim('TLS from anybody', said.acceptsAnonymousTls, anybody, 'echo');
  claim(
    'TLS handed on',
    said.passesForeignTls,
    heard.filter(({ call }) => call.tls),
    'passed',
  );
  const isMesh = ({ call }: Heard): boolean => call.alpn.includes('istio');
  const friend = tls('friend').filter(isMesh);
  // Who lets anybody in need not say so of friends.
  if (said.acceptsMtls || !said.acceptsAnonymousTls) claim('mutual TLS', said.acceptsMtls, friend, 'echo');
  if (said.mode === 'STRICT') {
    claim('STRICT', false, [...heard.filter(({ call }) => !call.tls), ...anybody], 'echo');
    if (excludes(said, 'spiffe://elsewhere.example/')) {
      claim('another trust domain', false, tls('other-domain'), 'echo');
    }
    const old = said.notes.some((note) => note.includes('allow_expired_certificate'));
    claim('expired certificates', old, tls('expired'), 'echo');
  }
  return found;
}

/** Every name that is taken is a SPIFFE id of another kind. */
function excludes({ acceptedNames }: Configured, id: string): boolean {
  const isOther = (name: string): boolean =>
    name.startsWith('spiffe://') && !id.startsWith(name.replace(/\*$/, ''));
  return acceptedNames.length > 0 && acceptedNames.every(isOther);
}
