/** Events of `padlock watch` for people: a line each, the subjects below where there are several. */
import type { Fact, KeepEvent } from '../../evidence/watch/fact.ts';
import { count, verb } from '../../mesh/findings/wording.ts';
import { paint } from '../style.ts';
import { wrapText } from '../text-width.ts';

export interface WatchTextStyle {
  readonly width: number;
  readonly color: boolean;
}

const tones = { bad: 'bad', warn: 'warn', good: 'good' } as const;
const mostSubjects = 8;

export function renderEvent(event: KeepEvent, { width, color }: WatchTextStyle): string {
  const { time, severity, subjects, detail, resource, author } = event;
  const name = event.event.toUpperCase();
  const head = `${time.slice(11, 19)} ${paint(name, tones[severity], color)}`;
  const by = author === undefined ? '' : `, written by ${author.manager} at ${author.time}`;
  const why = resource === undefined ? '' : ` (${resource}${by})`;
  const [only] = subjects;
  const text =
    subjects.length === 1
      ? `${only}: ${detail}${why}`
      : `${subjects.length} of ${event.namespace}: ${detail}${why}`;
  const lines = wrapText(
    detail === '' && subjects.length === 1 ? `${only}${why}` : text,
    Math.max(20, width - 9),
  );
  const more = subjects.length > mostSubjects ? [`and ${subjects.length - mostSubjects} more`] : [];
  const list = subjects.length === 1 ? [] : [...subjects.slice(0, mostSubjects), ...more];
  return `${[head, ...lines.map((line) => `         ${line}`), ...list.map((line) => `           ${line}`)].join('\n')}\n`;
}

/** The first line: where things stand when the watch begins. */
export function renderBaseline(facts: readonly Fact[], resumed: boolean): string {
  const ports = facts.filter(({ key }) => key.startsWith('mode '));
  const open = ports.filter(({ value }) => value.endsWith('p') || value.endsWith('pm')).length;
  const outside = facts.filter(({ key, value }) => key.startsWith('member ') && value === 'none').length;
  const how = resumed ? 'Watching on' : 'Watching';
  const taken = ports.length === 0 ? '' : `, ${open} of them ${verb(open, 'takes', 'take')} plaintext`;
  return `${how}: ${count(ports.length, 'port')} behind a proxy${taken}; ${count(outside, 'workload')} ${verb(outside, 'has', 'have')} no proxy.\n`;
}
