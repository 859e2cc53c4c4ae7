/** `padlock plan` for people: who, what, what must stay open, what was not seen, and last the answer. */
import type { Breaker, Certainty } from '../../plan/breaker.ts';
import type { Exception } from '../../plan/exceptions.ts';
import type { Answer, NamespacePlan, RefusedSender } from '../../plan/namespace-plan.ts';
import { paint, type Tone } from '../style.ts';
import { indentText, printable } from '../text-width.ts';
import {
  answerSentence,
  certaintyWords,
  countText,
  kindTitles,
  placeText,
  plural,
  rehearsalLines,
  senderName,
  shownBy,
  totals,
  windowText,
} from './plan-words.ts';

export interface PlanTextOptions {
  readonly width: number;
  readonly color: boolean;
}

const answerTones = {
  'would-break': 'bad',
  inconclusive: 'warn',
  ready: 'good',
} as const satisfies Record<Answer, Tone>;
const certaintyTones = {
  breaks: 'bad',
  'may-break': 'warn',
  unprotected: 'note',
} as const satisfies Record<Certainty, Tone>;

/** Renders the plan; ends in a newline. */
export function renderPlanText(plan: NamespacePlan, options: PlanTextOptions): string {
  const heading = (text: string): string => paint(text, 'strong', options.color);
  const blocks = [
    printable(`plan for namespace ${plan.namespace} (${plan.context}): ${plan.target}`),
    ...trafficBlocks(plan, options, heading),
    ...(plan.observation === undefined
      ? []
      : listBlock('Dry run of STRICT', rehearsalLines(plan.observation), options, heading)),
    ...breakerBlocks(plan.breakers, options, heading),
    ...exceptionBlocks(plan.exceptions, options, heading),
    ...listBlock('Nothing came to these ports', quietLines(plan), options, heading),
    ...listBlock('Not seen', plan.unseen, options, heading),
    ...listBlock('Notes', plan.notes, options, heading),
    wrapped(answerSentence(plan), options, answerTones[plan.answer]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** Callers from outside the cluster may be thousands of addresses. */
const sendersShown = 30;

type Heading = (text: string) => string;

function wrapped(text: string, { width, color }: PlanTextOptions, tone: Tone): string {
  return paint(indentText(text, '', width), tone, color);
}

function trafficBlocks(plan: NamespacePlan, options: PlanTextOptions, heading: Heading): readonly string[] {
  const { observation, senders } = plan;
  if (observation === undefined) return [];
  const { mtls, plaintext } = totals(observation);
  const sources = observation.sources.map(
    ({ source, window, coverage }) => `${source}: ${windowText(window)}; ${coverage}`,
  );
  const summary = `${mtls} by mutual TLS, ${plaintext} in plaintext`;
  const head = [
    heading('Traffic'),
    ...[summary, ...sources].map((line) => indentText(line, '  ', options.width)),
  ];
  if (senders.length === 0) return [head.join('\n')];
  const blocks = senders.slice(0, sendersShown).map((row) => {
    const { sender } = row;
    const foreign = sender.security === 'other-tls' ? ', TLS that is not the mesh’s' : '';
    const name = paint(printable(senderName(sender)), 'bad', options.color);
    return [
      `  ${name} -> ${printable(placeText(row))}   ${countText(sender)}${foreign}${lastText(sender)}`,
      indentText(`${sender.because} (${sender.knownBy.join(', ')})`, '    ', options.width),
    ].join('\n');
  });
  const more = senders.length - blocks.length;
  const rest = more > 0 ? [`  and ${more} more ${plural(more, 'sender')}; -o json has all of them`] : [];
  return [head.join('\n'), [heading('Who sends plaintext'), ...blocks, ...rest].join('\n')];
}

/** Old plaintext reads otherwise: a sidecar that was told to send it, until a policy changed. */
function lastText({ lastTaken, lastSeen }: RefusedSender['sender']): string {
  const last = lastTaken ?? lastSeen;
  return last === undefined ? '' : `, last ${last.slice(11, 19)} UTC`;
}

function breakerBlocks(
  breakers: readonly Breaker[],
  options: PlanTextOptions,
  heading: Heading,
): readonly string[] {
  if (breakers.length === 0)
    return [`${heading('What the configuration would break')}\n  nothing that was read`];
  const texts = breakers.map((breaker) => {
    const { certainty, kind, message, why, remedy } = breaker;
    const sign = paint(certaintyWords[certainty], certaintyTones[certainty], options.color);
    return [
      `  ${sign}  ${kindTitles[kind]}`,
      ...[message, why, `shown by: ${shownBy(breaker)}`, `do: ${remedy}`].map((line) =>
        indentText(line, '    ', options.width),
      ),
    ].join('\n');
  });
  return [`${heading('What the configuration would break')}\n${texts.join('\n')}`];
}

function exceptionBlocks(
  exceptions: readonly Exception[],
  options: PlanTextOptions,
  heading: Heading,
): readonly string[] {
  const lines = exceptions.map(({ workload, ports, possible, policy, notes }) => {
    const needed = ports.length > 0;
    const list = (needed ? ports : possible).map(({ port }) => String(port)).join(', ');
    const words = `${workload.kind}/${workload.name} ${plural(needed ? ports.length : possible.length, 'port')} ${list}: PeerAuthentication ${policy.name}${needed ? '' : ' (only if somebody calls)'}`;
    return [words, ...notes.map((note) => `note: ${note}`)].join('\n    ');
  });
  return listBlock('The narrowest exceptions (--out DIR writes them)', lines, options, heading);
}

function quietLines({ quiet }: NamespacePlan): readonly string[] {
  return quiet.map(({ workload, port }) => `${workload.kind}/${workload.name} :${port}`);
}

function listBlock(
  title: string,
  lines: readonly string[],
  options: PlanTextOptions,
  heading: Heading,
): readonly string[] {
  if (lines.length === 0) return [];
  return [[heading(title), ...lines.map((line) => indentText(line, '  ', options.width))].join('\n')];
}
