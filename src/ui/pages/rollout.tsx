/** The rollouts' state machines, live from their records: steps, what each waits for, and the way to steer them. */
import { useState } from 'react';
import type { RolloutAction, RolloutsView, RolloutView } from '../../server/wire.ts';
import { ApiError, getJson, post } from '../api.ts';
import { Answer, PageFrame, type PageProps } from './page.tsx';
import { Steps, Window } from './rollout-steps.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTick } from './use-tick.ts';

/** A run whose driver died changes nothing: it is seen by looking. Nor is there any word where watching is not allowed. */
const lookEveryMs = 4_000;

export function RolloutPage({ dashboard, state }: PageProps) {
  const tick = useTick(state.live ? lookEveryMs : undefined);
  const loaded = useLoaded<RolloutsView>(
    (signal) => getJson('/api/rollouts', signal),
    `${state.boot} ${dashboard.rolloutTick} ${tick}`,
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
  const { namespace, status, direction, steps, reason, driver, now } = rollout;
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
      </div>
      <p className="hint">
        {direction === 'back' ? '' : `${done} of ${steps.length} steps · `}until {rollout.until} · at most{' '}
        {rollout.maxErrors} errors in a window ·{' '}
        {driver === undefined ? 'saved' : `driven by ${driver}, told`}{' '}
        <time dateTime={now?.at ?? rollout.savedAt}>
          {new Date(now?.at ?? rollout.savedAt).toLocaleTimeString('en-GB')}
        </time>
      </p>
      {reason === undefined ? null : <p className="caution">{reason}</p>}
      <Buttons rollout={rollout} allowChanges={allowChanges} />
      <Steps rollout={rollout} />
      {rollout.backWindows.map((window) => (
        <Window key={`${window.step} ${window.kind}`} window={window} />
      ))}
      <Proof rollout={rollout} />
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
      <Lines rollout={rollout} />
    </article>
  );
}

function Proof({ rollout: { proof } }: { readonly rollout: RolloutView }) {
  if (proof === undefined) return null;
  return (
    <section className={`verdict-${proof.verdict}`}>
      <h3>Newest proof</h3>
      <p>
        <strong className="headline">{proof.verdict}</strong> {proof.mode}: {proof.proven} of {proof.ports}{' '}
        ports proven
      </p>
      <ul>
        {proof.open.map((port) => (
          <li key={port}>{port}</li>
        ))}
      </ul>
    </section>
  );
}

/** What the run says, wherever it is driven, and what this dashboard did. */
function Lines({ rollout: { lines, notes, status } }: { readonly rollout: RolloutView }) {
  const told = lines.map(({ at, text }) => `${new Date(at).toLocaleTimeString('en-GB')}  ${text}`);
  const all = [...told, ...notes.map((note) => `this dashboard: ${note}`)];
  if (all.length === 0) return null;
  return (
    <details open={status === 'running'}>
      <summary>What the run says</summary>
      <pre className="lines">{all.join('\n')}</pre>
    </details>
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
