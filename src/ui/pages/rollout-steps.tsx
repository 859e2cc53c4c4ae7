/** The steps of a rollout: where it stands, what it waits for, and what it measured of live traffic. */
import type { LiveSenders, LiveWindow, RolloutStepView, RolloutView } from '../../server/wire.ts';
import { plural } from '../words.ts';

const stepWords = { done: 'done', now: 'now', next: 'to come', undone: 'taken back' } as const;
const phaseWords: Readonly<Record<string, string>> = {
  mark: 'measuring',
  write: 'writing',
  await: 'waiting',
  watch: 'watching traffic',
  prove: 'proving',
};

export function Steps({ rollout }: { readonly rollout: RolloutView }) {
  return (
    <ol className="steps">
      {rollout.steps.map((step, index) => (
        <Step
          // biome-ignore lint/suspicious/noArrayIndexKey: a plan's steps never change their order
          key={index}
          step={step}
          rollout={rollout}
        />
      ))}
    </ol>
  );
}

function Step({ step, rollout }: { readonly step: RolloutStepView; readonly rollout: RolloutView }) {
  const isNow = step.state === 'now';
  const { phase, status, direction, now } = rollout;
  const tag = !isNow
    ? stepWords[step.state]
    : direction === 'back'
      ? 'going back'
      : status === 'paused'
        ? 'paused'
        : (phaseWords[phase] ?? phase);
  const unfinished = isNow || step.state === 'next';
  return (
    <li className={`step step-${step.state}`} aria-current={isNow ? 'step' : undefined}>
      <span className="step-mark" aria-hidden="true" />
      <div className="step-text">
        <strong>{step.title}</strong> <span className="tag">{tag}</span>
        {isNow && direction === 'forward' && now?.detail !== undefined && status === 'running' ? (
          <span className="step-detail" role="status">
            {now.detail}
          </span>
        ) : null}
        {unfinished ? (
          <ul className="step-plan">
            {step.waitsFor === undefined ? null : <li>waits until {step.waitsFor}</li>}
            {step.watches === undefined ? null : <li>watches {step.watches}</li>}
            {step.proves === undefined ? null : <li>proves that {step.proves}</li>}
          </ul>
        ) : null}
        {step.window === undefined ? null : <Window window={step.window} />}
      </div>
    </li>
  );
}

/** Numbers of live traffic; a zero that nobody could have seen is no zero. */
export function Window({ window }: { readonly window: LiveWindow }) {
  const { over, seconds, forSeconds, requests, failed, plaintext, refused, worst, unseen } = window;
  const shown = Math.round(seconds * 10) / 10;
  if (over && failed + plaintext.total + refused.total + unseen.length === 0) {
    return (
      <section className="window quiet-window" aria-label="Live traffic">
        Live traffic in {shown} s:{' '}
        {requests === 0 ? 'no request was seen, so none failed' : `${plural(requests, 'request')}, 0 failed`},
        0 in plaintext, {window.blind === 0 ? '0 refused' : `refusals ${refusedWords(window)}`}
      </section>
    );
  }
  return (
    <section className="window" aria-label="Live traffic">
      <div className="window-head">
        <span>
          {over ? `Live traffic in ${shown} s` : `Live traffic, ${shown} s of ${forSeconds} s so far`}
        </span>
        {over ? null : (
          <progress value={Math.min(seconds, forSeconds)} max={forSeconds} aria-label="Window" />
        )}
      </div>
      <dl className="figures">
        <Figure name="Requests" value={requests.toLocaleString('en')} />
        <Figure
          name="Failed"
          value={`${failed.toLocaleString('en')}${rate(failed, requests)}`}
          bad={failed > 0}
        />
        <Figure name="In plaintext" value={plaintext.total.toLocaleString('en')} bad={plaintext.total > 0} />
        <Figure name="Refused" value={refusedWords(window)} bad={refused.total > 0} />
      </dl>
      <Senders what="plaintext" senders={plaintext} />
      <Senders what="refused" senders={refused} />
      {worst.length === 0 ? null : (
        <ul className="window-list">
          {worst.map((one) => (
            <li key={one.name}>
              {one.name}: {one.failed.toLocaleString('en')} of {plural(one.requests, 'request')} failed
            </li>
          ))}
        </ul>
      )}
      {unseen.map((what) => (
        <p key={what} className="hint">
          Not seen: {what}
        </p>
      ))}
    </section>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly bad?: boolean;
}

function Figure({ name, value, bad }: FigureProps) {
  return (
    <div className={bad === true ? 'figure bad' : 'figure'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Senders({ what, senders }: { readonly what: string; readonly senders: LiveSenders }) {
  if (senders.total === 0) return null;
  const told = senders.senders.reduce((sum, { count }) => sum + count, 0);
  return (
    <ul className="window-list">
      {senders.senders.map(({ from, to, count }) => (
        <li key={`${from} ${to}`}>
          {what}: {from} to {to}, {count.toLocaleString('en')} times
        </li>
      ))}
      {told < senders.total ? (
        <li>and {(senders.total - told).toLocaleString('en')} more of others</li>
      ) : null}
    </ul>
  );
}

function refusedWords({ refused, blind, servers }: LiveWindow): string {
  if (blind === 0) return refused.total.toLocaleString('en');
  if (refused.total === 0 && blind >= servers) return 'not seen';
  return `${refused.total.toLocaleString('en')} where logged`;
}

/** ` (0.02 %)`; few are never rounded to none, and almost all never to all. */
export function rate(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '';
  const percent = (100 * part) / whole;
  if (percent < 0.01) return ' (< 0.01 %)';
  if (part < whole && percent > 99.99) return ' (> 99.99 %)';
  return ` (${Number(percent.toFixed(2))} %)`;
}
