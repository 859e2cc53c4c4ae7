/** The page's words: each state has one name, everywhere. */
import type { EdgeState } from '../mesh/graph/edge-state.ts';
import type { NodeState } from '../mesh/graph/graph.ts';
import type { PairCounts } from '../mesh/graph/view.ts';

export const stateWords = {
  mtls: 'Mutual TLS',
  mixed: 'Mixed',
  plaintext: 'Plaintext',
  unknown: 'Unknown',
  refused: 'Refused',
} as const satisfies Record<EdgeState, string>;

export const stateMeanings = {
  mtls: 'Every call is Istio mutual TLS.',
  mixed: 'Some calls are mutual TLS, some are plaintext.',
  plaintext: 'Every call is plaintext.',
  unknown: 'Not seen, or TLS that is not Istio’s.',
  refused: 'No call gets through.',
} as const satisfies Record<EdgeState, string>;

/** What a workload accepts. */
export const nodeWords = {
  mtls: 'only mutual TLS',
  mixed: 'also accepts plaintext',
  plaintext: 'no mutual TLS',
  unknown: 'not judged',
} as const satisfies Record<NodeState, string>;

export const outcomeWords: Readonly<Record<string, string>> = {
  mtls: 'mutual TLS',
  plaintext: 'plaintext',
  tls: 'TLS, not Istio’s',
  refused: 'refused',
  'istio-mtls': 'Istio mutual TLS',
  'no route': 'no route',
};

export const changeWords: Readonly<Record<string, string>> = {
  BREAKS: 'Breaks',
  MENDS: 'Mends',
  WEAKENED: 'Weaker',
  HARDENED: 'Harder',
  ADDED: 'Added',
  REMOVED: 'Removed',
};

export const dataplaneWords: Readonly<Record<string, string>> = {
  sidecar: 'sidecar',
  gateway: 'gateway',
  ambient: 'ambient',
  waypoint: 'waypoint',
  none: 'no sidecar',
  outside: 'outside the mesh',
};

const states: readonly EdgeState[] = ['plaintext', 'mixed', 'refused', 'unknown', 'mtls'];

/** `3 plaintext, 12 mutual TLS`. */
export function countWords(pairs: PairCounts): string {
  const parts = states
    .filter((state) => pairs[state] > 0)
    .map((state) => `${pairs[state]} ${inSentence(stateWords[state])}`);
  return parts.length === 0 ? 'no calls' : parts.join(', ');
}

/** `mutual TLS` of `Mutual TLS`: an abbreviation stays one. */
function inSentence(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

export function namespaceLabel(namespace: string): string {
  return namespace === '' ? 'outside the mesh' : namespace;
}
