/**
 * What `padlock watch` knows and tells. A fact is something that holds now, under a key; an event is a difference between
 * the facts of before and those of now. Because events come from states and not from the API server's messages, each is
 * told once however often the connection breaks, and a restart goes on from the facts that were saved.
 */

/** Facts by where they come from: each source is looked at in its own time and compared with its own past. */
export type Source = 'mesh' | 'proxies' | 'traffic';

export interface Fact {
  /** `mode shop/Deployment/cart:8080`: kind, blank, subject. */
  readonly key: string;
  /** What is compared. */
  readonly value: string;
  readonly namespace: string;
  /** A sentence for people; not compared. */
  readonly detail: string;
  /** `PeerAuthentication shop/default`: what decided. */
  readonly resource?: string;
}

export const eventNames = [
  'mode-weakened',
  'mode-strengthened',
  'edge-weakened',
  'edge-mended',
  'left-mesh',
  'joined-mesh',
  'policy-changed',
  'exception-over',
  'plaintext',
  'refused',
  'tls-failed',
  'certificate',
  'certificate-mended',
  'proxy-stale',
  'proxy-current',
  'unseen',
  'seen-again',
] as const;
export type EventName = (typeof eventNames)[number];

export type Severity = 'bad' | 'warn' | 'good';

export const severities = {
  'mode-weakened': 'bad',
  'mode-strengthened': 'good',
  'edge-weakened': 'bad',
  'edge-mended': 'good',
  'left-mesh': 'bad',
  'joined-mesh': 'good',
  'policy-changed': 'warn',
  'exception-over': 'bad',
  plaintext: 'bad',
  refused: 'warn',
  'tls-failed': 'warn',
  certificate: 'bad',
  'certificate-mended': 'good',
  'proxy-stale': 'warn',
  'proxy-current': 'good',
  unseen: 'warn',
  'seen-again': 'good',
} as const satisfies Record<EventName, Severity>;

/** Who wrote last, as far as the API server records it. */
export interface Author {
  /** The field manager: `kubectl-edit`, `argocd-controller`. The API server records programs, not people. */
  readonly manager: string;
  readonly operation: string;
  /** RFC 3339. */
  readonly time: string;
}

export interface KeepEvent {
  /** The same event has the same id, also after a crash between telling and saving. */
  readonly id: string;
  /** RFC 3339: when it was noticed. */
  readonly time: string;
  readonly event: EventName;
  readonly severity: Severity;
  readonly namespace: string;
  /** What it is about, each once: `shop/Deployment/cart:8080`. */
  readonly subjects: readonly string[];
  readonly detail: string;
  readonly resource?: string;
  readonly author?: Author;
}

/** The kind in a fact's key. */
export function kindOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

export function subjectOf(key: string): string {
  return key.slice(key.indexOf(' ') + 1);
}
