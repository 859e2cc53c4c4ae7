/**
 * What a running rollout tells whoever looks at it from elsewhere (the dashboard, a colleague): the step, what it waits for, and
 * what it measures of live traffic. It is told again and again, beside the record, and nothing is decided by it.
 */
import { formatRef } from '../istio/kubernetes.ts';
import type { Verdict } from './observer.ts';
import type { Watch } from './plan.ts';
import type { Progress } from './progress.ts';
import type { Sender, Tally, Traffic } from './traffic.ts';

export interface Live {
  /** When the rollout began, as in its book: another one is another rollout. */
  readonly startedAt: string;
  /** RFC 3339. */
  readonly at: string;
  /** Who drives. */
  readonly by: string;
  readonly task: LiveTask;
  /** What it waits for now. */
  readonly detail?: string;
  /** Oldest first; the last may be going on. */
  readonly windows: readonly LiveWindow[];
  readonly proof?: LiveProof;
  /** The newest lines, oldest first. */
  readonly lines: readonly LiveLine[];
}

export const liveTasks = ['mark', 'write', 'await', 'watch', 'prove', 'over'] as const;
export type LiveTask = (typeof liveTasks)[number];

/** Live traffic in the window of one step. */
export interface LiveWindow {
  /** 1-based, of the steps forward or of those back. */
  readonly step: number;
  readonly back: boolean;
  readonly kind: Watch['kind'];
  readonly over: boolean;
  /** How long it is to be, and how long it has been. */
  readonly forSeconds: number;
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  readonly plaintext: LiveSenders;
  readonly refused: LiveSenders;
  /** Servers whose refusals cannot be seen, of how many. */
  readonly blind: number;
  readonly servers: number;
  /** What failed most, by what answered. */
  readonly worst: readonly (Tally & { readonly name: string })[];
  /** What could not be read, and why. */
  readonly unseen: readonly string[];
}

export interface LiveSenders {
  readonly total: number;
  /** The most frequent. */
  readonly senders: readonly Sender[];
}

export interface LiveProof {
  readonly mode: string;
  readonly verdict: Verdict;
  readonly proven: number;
  readonly ports: number;
  /** The ports that are not proven, with what was seen. */
  readonly open: readonly string[];
}

export interface LiveLine {
  readonly at: string;
  readonly text: string;
}

/** It stands in a ConfigMap beside the record: a few kilobytes. */
const most = { windows: 60, senders: 5, worst: 5, unseen: 5, open: 5, lines: 20, text: 300 } as const;

/** Gathers what a run tells. */
export class LiveView {
  readonly #now: () => number;
  readonly #by: string;
  readonly #startedAt: string;
  #position = { step: 1, back: false };
  #task: LiveTask = 'mark';
  #detail: string | undefined;
  #windows: readonly LiveWindow[];
  #proof: LiveProof | undefined;
  #lines: readonly LiveLine[] = [];

  /** @param before what an earlier run of the same rollout told */
  constructor(by: string, startedAt: string, now: () => number, before: Live | undefined) {
    this.#by = by;
    this.#startedAt = startedAt;
    this.#now = now;
    this.#windows = before?.startedAt === startedAt ? before.windows.filter(({ over }) => over) : [];
  }

  look(): Live {
    return {
      startedAt: this.#startedAt,
      at: new Date(this.#now()).toISOString(),
      by: this.#by,
      task: this.#task,
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
      windows: this.#windows,
      ...(this.#proof === undefined ? {} : { proof: this.#proof }),
      lines: this.#lines,
    };
  }

  begin(task: LiveTask): void {
    this.#task = task;
    this.#detail = undefined;
  }

  measured(watch: Watch, traffic: Traffic): void {
    this.#keep(windowOf(this.#position, watch, traffic));
  }

  hear(progress: Progress): void {
    const text = lineText(progress);
    if (text !== undefined) this.#say(text);
    switch (progress.event) {
      case 'step':
        this.#position = { step: progress.position.step, back: progress.back };
        return;
      case 'waiting':
        this.#detail = cut(progress.detail);
        return;
      case 'watched': {
        const last = this.#windows.at(-1);
        if (last !== undefined) this.#keep({ ...last, over: true });
        return;
      }
      case 'proof':
        this.#proof = proofOf(progress);
        return;
      case 'end':
        this.begin('over');
    }
  }

  /** The window of a step replaces what was measured in it before. */
  #keep(window: LiveWindow): void {
    const isSame = ({ step, back, kind }: LiveWindow): boolean =>
      step === window.step && back === window.back && kind === window.kind;
    this.#windows = [...this.#windows.filter((one) => !isSame(one)), window].slice(-most.windows);
  }

  #say(text: string): void {
    const line = { at: new Date(this.#now()).toISOString(), text: cut(text) };
    this.#lines = [...this.#lines, line].slice(-most.lines);
  }
}

function windowOf(
  position: { readonly step: number; readonly back: boolean },
  { kind, forMs }: Watch,
  traffic: Traffic,
): LiveWindow {
  const worst = Object.entries(traffic.tallies)
    .filter(([, { failed }]) => failed > 0)
    .map(([name, tally]) => ({ name: cut(name), ...tally }))
    .toSorted((a, b) => b.failed - a.failed);
  return {
    ...position,
    kind,
    over: false,
    forSeconds: forMs / 1000,
    seconds: traffic.seconds,
    requests: traffic.requests,
    failed: traffic.failed,
    plaintext: sendersOf(traffic.plaintext),
    refused: sendersOf(traffic.refused),
    blind: traffic.blind.length,
    servers: traffic.servers,
    worst: worst.slice(0, most.worst),
    unseen: traffic.unseen.slice(0, most.unseen).map(cut),
  };
}

function sendersOf(senders: readonly Sender[]): LiveSenders {
  return {
    total: senders.reduce((sum, { count }) => sum + count, 0),
    senders: senders
      .slice(0, most.senders)
      .map(({ to, from, count }) => ({ to: cut(to), from: cut(from), count })),
  };
}

function proofOf({ mode, result }: Extract<Progress, { event: 'proof' }>): LiveProof {
  const open = result.rows.filter(({ verdict }) => verdict !== 'PROVEN');
  return {
    mode,
    verdict: result.verdict,
    proven: result.rows.length - open.length,
    ports: result.rows.length,
    open: open
      .slice(0, most.open)
      .map(({ workload, port, verdict, detail }) => cut(`${workload}:${port} ${verdict}: ${detail}`)),
  };
}

/** Windows and proofs have fields of their own. */
function lineText(progress: Progress): string | undefined {
  switch (progress.event) {
    case 'step': {
      const { step, of } = progress.position;
      return `${progress.back ? 'back ' : ''}[${step}/${of}] ${progress.title}`;
    }
    case 'write':
      return `${progress.write} ${formatRef(progress.resource)}`;
    case 'waiting':
      return progress.detail;
    case 'retry':
      return `again in ${progress.inMs / 1000} s: ${progress.reason}`;
    case 'failed':
      return progress.reason;
    case 'end':
      return progress.reason === undefined ? progress.status : `${progress.status}: ${progress.reason}`;
    case 'watched':
    case 'proof':
      return undefined;
  }
}

function cut(text: string): string {
  return text.length <= most.text ? text : `${text.slice(0, most.text - 1)}…`;
}
