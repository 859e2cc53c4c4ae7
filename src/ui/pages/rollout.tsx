/** The rollouts' state machines, live from their records: steps, what each waits for, and the way to steer them. */
import { useState } from 'react';
import type { RolloutAction, RolloutStepView, RolloutsView, RolloutView } from '../../server/wire.ts';
import { ApiError, getJson, post } from '../api.ts';
import { Answer, PageFrame, type PageProps } from './page.tsx';
import { useLoaded } from './use-loaded.ts';

export function RolloutPage({ dashboard, state }: PageProps) {
  const loaded = useLoaded<RolloutsView>(
    (signal) => getJson('/api/rollouts', signal),
    `${state.boot} ${dashboard.rolloutTick}`,
  );
  return (
    <PageFrame
      title="Rollout"
      lead="From plaintext to proven STRICT, step by step, as the record in the cluster tells it."
    >
      <Answer loaded={loaded}>
        {(view) => (
          <>
            {view.problems.map((problem) => (
              <p key={problem} className="caution">
                {problem}
              </p>
            ))}
            {view.rollouts.length === 0 ? (
              <div className="empty">
                <p>No rollout was begun in what is looked at.</p>
                <div className="code">
                  <pre>padlock secure {state.namespaces?.[0] ?? 'NAMESPACE'} --dry-run</pre>
                </div>
                <p className="hint">
                  shows what it would do; without --dry-run it begins, and can be watched here.
                </p>
              </div>
            ) : null}
            {view.rollouts.map((rollout) => (
              <Rollout key={rollout.namespace} rollout={rollout} allowChanges={state.allowChanges} />
            ))}
          </>
        )}
      </Answer>
    </PageFrame>
  );
}

const statusWords: Readonly<Record<string, string>> = {
  running: 'Running',
  paused: 'Paused',
  done: 'Done',
  'rolled-back': 'Taken back',
  stuck: 'Stuck: a person must look',
};

interface RolloutProps {
  readonly rollout: RolloutView;
  readonly allowChanges: boolean;
}

function Rollout({ rollout, allowChanges }: RolloutProps) {
  const { namespace, status, direction, steps, reason, driver, lines } = rollout;
  const done = steps.filter(({ state }) => state === 'done').length;
  const adrift = status === 'running' && driver === undefined;
  return (
    <article className="rollout" aria-label={`Rollout of ${namespace}`}>
      <div className="rollout-head">
        <h2>{namespace}</h2>
        <span className={`pill status-${status}`}>
          {adrift ? 'Stopped: nobody drives it' : (statusWords[status] ?? status)}
          {direction === 'back' && status === 'running' ? ', going back' : ''}
        </span>
        <span className="hint">
          {done} of {steps.length} steps · until {rollout.until} · saved{' '}
          <time dateTime={rollout.savedAt}>{new Date(rollout.savedAt).toLocaleTimeString('en-GB')}</time>
          {driver === undefined ? '' : ` · driven by ${driver}`}
        </span>
      </div>
      {reason === undefined ? null : <p className="caution">{reason}</p>}
      <Buttons rollout={rollout} allowChanges={allowChanges} />
      <ol className="steps">
        {steps.map((step, index) => (
          <Step
            // biome-ignore lint/suspicious/noArrayIndexKey: a plan's steps never change their order
            key={index}
            step={step}
            phase={rollout.phase}
          />
        ))}
      </ol>
      {rollout.unrestored.length > 0 ? (
        <section>
          <h3>Could not be taken back</h3>
          <ul>
            {rollout.unrestored.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </section>
      ) : null}
      {rollout.leftOut.length > 0 ? <p className="hint">Left out: {rollout.leftOut.join('; ')}</p> : null}
      {rollout.journal.length > 0 ? (
        <details>
          <summary>What was done</summary>
          <ol className="journal">
            {rollout.journal.toReversed().map(({ at, by, what }) => (
              <li key={`${at} ${what}`}>
                <time dateTime={at}>{new Date(at).toLocaleTimeString('en-GB')}</time> {what}
                <span className="source">{by}</span>
              </li>
            ))}
          </ol>
        </details>
      ) : null}
      {lines.length > 0 ? (
        <details open>
          <summary>What this dashboard’s run says</summary>
          <pre className="lines">{lines.join('\n')}</pre>
        </details>
      ) : null}
    </article>
  );
}

const stepWords = { done: 'done', now: 'now', next: 'to come', undone: 'taken back' } as const;
const phaseWords: Readonly<Record<string, string>> = {
  write: 'writing',
  await: 'waiting',
  watch: 'watching traffic',
  prove: 'proving',
};

function Step({ step, phase }: { readonly step: RolloutStepView; readonly phase: string }) {
  const isNow = step.state === 'now';
  return (
    <li className={`step step-${step.state}`} aria-current={isNow ? 'step' : undefined}>
      <span className="step-mark" aria-hidden="true" />
      <div>
        <strong>{step.title}</strong>
        <span className="tag">{isNow ? (phaseWords[phase] ?? phase) : stepWords[step.state]}</span>
        {step.waitsFor === undefined ? null : <span className="source">waits until {step.waitsFor}</span>}
        {step.watches === undefined ? null : <span className="source">watches {step.watches}</span>}
        {step.proves === undefined ? null : <span className="source">proves that {step.proves}</span>}
      </div>
    </li>
  );
}

function Buttons({ rollout, allowChanges }: RolloutProps) {
  const { namespace, status, driver } = rollout;
  const [busy, setBusy] = useState<RolloutAction>();
  const [said, setSaid] = useState<string>();
  const [asking, setAsking] = useState(false);
  const act = async (action: RolloutAction): Promise<void> => {
    setBusy(action);
    setSaid(undefined);
    setAsking(false);
    try {
      await post(`/api/rollouts/${namespace}/${action}`);
    } catch (error) {
      const hint = error instanceof ApiError && error.hint !== undefined ? `: ${error.hint}` : '';
      setSaid(`${error instanceof Error ? error.message : String(error)}${hint}`);
    }
    setBusy(undefined);
  };
  if (!allowChanges) {
    return <p className="hint">To pause, resume or abort here, start the dashboard with --allow-changes.</p>;
  }
  const unfinished = status === 'running' || status === 'paused';
  return (
    <div className="row-buttons">
      <button
        type="button"
        disabled={driver === undefined || busy !== undefined}
        onClick={() => void act('pause')}
      >
        Pause
      </button>
      <button
        type="button"
        disabled={!unfinished || driver !== undefined || busy !== undefined}
        onClick={() => void act('resume')}
      >
        Resume
      </button>
      {asking ? (
        <span className="asking">
          Bring back what stood before in {namespace}?
          <button type="button" className="danger" onClick={() => void act('abort')}>
            Yes, take it back
          </button>
          <button type="button" onClick={() => setAsking(false)}>
            No
          </button>
        </span>
      ) : (
        <button
          type="button"
          className="danger"
          disabled={status === 'rolled-back' || busy !== undefined}
          onClick={() => setAsking(true)}
        >
          Abort…
        </button>
      )}
      <span role="status">{busy === undefined ? said : `${busy} is on its way`}</span>
    </div>
  );
}
