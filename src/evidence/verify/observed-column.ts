/** The observed column of a row: what traffic really did there, as far as somebody saw it. */
import {
  amount,
  blindSpots,
  type Observation,
  observedAt,
  type Sender,
  trafficVerdict,
} from '../observed/observation.ts';

export type ObservedColumn =
  | { readonly looked: false; readonly why: string; readonly right?: string }
  | {
      readonly looked: true;
      /** `quiet`: nothing came, which shows nothing. */
      readonly verdict: 'plaintext' | 'only-mtls' | 'quiet';
      /** Requests, and connections of other protocols. */
      readonly mtls: number;
      readonly plaintext: number;
      readonly refused: number;
      /** RFC 3339: the longest window that any source covers. */
      readonly from: string;
      readonly to: string;
      readonly sources: readonly string[];
      /** Those whose plaintext was taken, the latest first, at most ten. */
      readonly senders: readonly PlaintextSender[];
      /** What could not be seen of it, at most three. */
      readonly unseen: readonly string[];
    };

export interface PlaintextSender {
  readonly name: string;
  readonly namespace?: string;
  readonly count: number;
  /** RFC 3339: when plaintext of it was last taken, not refused; absent where the source has no times. */
  readonly lastSeen?: string;
  /** RFC 3339: it was counted after this. */
  readonly after: string;
}

export const notObserved: ObservedColumn = { looked: false, why: 'traffic was not looked at' };

export function observedColumn(
  observation: Observation | undefined,
  workloadId: string,
  port: number,
): ObservedColumn {
  if (observation === undefined) return notObserved;
  const { here } = observedAt(observation, workloadId, port);
  if (here === undefined) return { looked: false, why: 'no sidecar counts what comes to it' };
  const blind = blindSpots(observation, here);
  const verdict = trafficVerdict(here);
  if (verdict === 'unseen') {
    const [first] = blind;
    const right = blind.find((one) => one.right !== undefined)?.right;
    return {
      looked: false,
      why: first === undefined ? 'no source could be read' : `${first.source}: ${first.reason}`,
      ...(right === undefined ? {} : { right }),
    };
  }
  const windows = here.tallies.map((tally) => tally.window);
  return {
    looked: true,
    verdict,
    mtls: amount(here.mtls),
    plaintext: amount(here.plaintext) + amount(here.otherTls),
    refused: here.refused,
    from: windows.map(({ from }) => from).toSorted()[0] ?? observation.window.from,
    to:
      windows
        .map(({ to }) => to)
        .toSorted()
        .at(-1) ?? observation.window.to,
    sources: here.tallies.map((tally) => tally.source),
    senders: here.senders
      .filter(sentPlaintext)
      .map((sender) => plain(sender, observation.window.from))
      .toSorted((a, b) => Date.parse(b.lastSeen ?? b.after) - Date.parse(a.lastSeen ?? a.after))
      .slice(0, 10),
    unseen: [...new Set(blind.map(({ source, reason }) => `${source}: ${reason}`))].slice(0, 3),
  };
}

function sentPlaintext(sender: Sender): boolean {
  return sender.security !== 'mtls' && amount(sender) > 0;
}

function plain(sender: Sender, after: string): PlaintextSender {
  return {
    name: sender.name,
    count: amount(sender),
    after,
    ...(sender.namespace === undefined ? {} : { namespace: sender.namespace }),
    ...(sender.lastTaken === undefined ? {} : { lastSeen: sender.lastTaken }),
  };
}
