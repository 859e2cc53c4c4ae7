/** "What if": choose a mode, see at once what breaks and who is behind it, take the YAML along. */
import { useEffect, useState } from 'react';
import type { MtlsMode } from '../../istio/peer-authentication.ts';
import type { Choice } from '../../mesh/graph/choice.ts';
import { CopyButton } from '../copy-button.tsx';
import { Icon } from '../icons.tsx';
import { changeWords, outcomeWords, plural } from '../words.ts';
import type { ChangeGroup, MeshSummary, WhatIfAnswer } from '../worker/protocol.ts';
import type { WorkerClient } from '../worker-client.ts';

export interface WhatIfProps {
  readonly worker: WorkerClient;
  readonly mesh: MeshSummary;
  readonly asked: readonly string[] | undefined;
  readonly choice: Choice | undefined;
  readonly choose: (choice: Choice | undefined) => void;
  readonly close: () => void;
}

type Level = Choice['level'];

function largest(namespaces: MeshSummary['namespaces']): string | undefined {
  return namespaces.toSorted((a, b) => b.workloads - a.workloads)[0]?.name;
}

const modes: readonly MtlsMode[] = ['STRICT', 'PERMISSIVE', 'DISABLE'];
const levels = {
  mesh: 'the whole mesh',
  namespace: 'a namespace',
  workload: 'a workload',
  port: 'one port',
} as const satisfies Record<Level, string>;

export function WhatIf(props: WhatIfProps) {
  const { worker, mesh, asked, choice, choose, close } = props;
  const namespaces = mesh.namespaces.filter(({ name, workloads }) => name !== '' && workloads > 0);
  const [level, setLevel] = useState<Level>('namespace');
  const [namespace, setNamespace] = useState(
    asked?.[0] ?? largest(namespaces.filter(({ system }) => !system)) ?? '',
  );
  const inNamespace = mesh.workloads.filter((workload) => workload.namespace === namespace);
  const [workloadId, setWorkloadId] = useState('');
  const workload = inNamespace.find(({ id }) => id === workloadId) ?? inNamespace[0];
  const [portText, setPortText] = useState('');
  const port = workload?.ports.find((one) => String(one) === portText) ?? workload?.ports[0];
  const answer = useAnswer(worker, mesh.revision, choice);
  const make = (mode: MtlsMode): Choice | undefined => {
    switch (level) {
      case 'mesh':
        return { level, mode };
      case 'namespace':
        return { level, namespace, mode };
      case 'workload':
        return workload === undefined ? undefined : { level, workload: workload.id, mode };
      case 'port':
        return workload === undefined || port === undefined
          ? undefined
          : { level, workload: workload.id, port, mode };
    }
  };
  return (
    <aside className="panel what-if" aria-label="What if">
      <button type="button" className="quiet close" onClick={close} aria-label="Close what if">
        <Icon name="close" />
      </button>
      <h2>What if…</h2>
      <p className="hint">Worked out in this page by the same rules. Nothing is changed in the cluster.</p>
      <div className="fields">
        <label>
          For
          <select
            value={level}
            onChange={({ target }) => {
              setLevel(target.value as Level);
              choose(undefined);
            }}
          >
            {Object.entries(levels).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        {level === 'mesh' ? null : (
          <label>
            Namespace
            <select
              value={namespace}
              onChange={({ target }) => {
                setNamespace(target.value);
                choose(undefined);
              }}
            >
              {namespaces.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        {level === 'workload' || level === 'port' ? (
          <label>
            Workload
            <select
              value={workload?.id ?? ''}
              onChange={({ target }) => {
                setWorkloadId(target.value);
                choose(undefined);
              }}
            >
              {inNamespace.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        ) : null}
        {level === 'port' ? (
          <label>
            Port
            <select
              value={port ?? ''}
              onChange={({ target }) => {
                setPortText(target.value);
                choose(undefined);
              }}
            >
              {(workload?.ports ?? []).map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        ) : null}
      </div>
      <fieldset className="switch wide">
        <legend className="visually-hidden">Mode</legend>
        {modes.map((mode) => (
          <button
            key={mode}
            type="button"
            aria-pressed={choice?.mode === mode}
            onClick={() => choose(make(mode))}
          >
            {mode}
          </button>
        ))}
      </fieldset>
      {choice === undefined ? (
        <p>Choose a mode to see what would happen.</p>
      ) : answer === undefined ? (
        <p>Working it out</p>
      ) : (
        <Answer answer={answer} mode={choice.mode} reset={() => choose(undefined)} />
      )}
    </aside>
  );
}

function useAnswer(
  worker: WorkerClient,
  revision: number,
  choice: Choice | undefined,
): WhatIfAnswer | undefined {
  const [answer, setAnswer] = useState<WhatIfAnswer>();
  useEffect(() => {
    let stale = false;
    setAnswer(undefined);
    if (choice === undefined) return;
    void worker.ask('whatIf', { revision, choice }).then((next) => {
      if (!stale) setAnswer(next);
    });
    return () => {
      stale = true;
    };
  }, [worker, revision, choice]);
  return answer;
}

interface AnswerProps {
  readonly answer: WhatIfAnswer;
  readonly mode: MtlsMode;
  readonly reset: () => void;
}

function Answer({ answer, mode, reset }: AnswerProps) {
  const { edges, broken, ports } = answer;
  const breaks = edges.filter(({ change }) => change === 'BREAKS');
  const others = edges.filter(({ change }) => change !== 'BREAKS');
  const harder = ports.filter(({ change }) => change === 'HARDENED').length;
  const weaker = ports.filter(({ change }) => change === 'WEAKENED').length;
  const changesNothing = edges.length === 0 && ports.length === 0;
  return (
    <div className="answer">
      <p className={`headline ${breaks.length > 0 ? 'bad' : changesNothing ? '' : 'good'}`} role="status">
        {changesNothing
          ? `${mode} changes nothing here: no port and no call would be other than it is.`
          : breaks.length === 0
            ? `${mode} breaks no call that configuration knows of.`
            : `${mode} breaks the calls of ${plural(broken.length, 'workload')}.`}
      </p>
      <p className="hint">
        {plural(harder, 'port')} would refuse plaintext; {plural(weaker, 'port')} would accept it or lose
        mutual TLS.
        {breaks.length > 0
          ? ' A call counts when it could be made; whether it is made, traffic tells.'
          : ' Callers that are no pods (load balancers, people, other clusters) are not in it.'}
      </p>
      {breaks.length > 0 ? <Groups title="Who would be refused" groups={breaks} /> : null}
      {others.length > 0 ? <Groups title="What else changes" groups={others} /> : null}
      <h3>{answer.changes ? `${answer.resource}, changed` : `New ${answer.resource}`}</h3>
      {answer.alsoSelects.length > 0 ? (
        <p className="caution">
          This policy also selects {answer.alsoSelects.join(', ')}: they change with it.
        </p>
      ) : null}
      <div className="code">
        <pre>{answer.yaml}</pre>
        <CopyButton text={answer.yaml} what="YAML" />
      </div>
      <button type="button" onClick={reset}>
        Back to what is
      </button>
    </div>
  );
}

const shownGroups = 40;

function Groups({ title, groups }: { readonly title: string; readonly groups: readonly ChangeGroup[] }) {
  return (
    <section>
      <h3>
        {title} <span className="count">{groups.length}</span>
      </h3>
      <ul className="groups">
        {groups.slice(0, shownGroups).map((group) => (
          <li
            key={`${group.change} ${group.host} ${group.port} ${group.server} ${group.targetPort} ${group.clients.join()}`}
            className={`change-${group.change}`}
          >
            <span className="change">{changeWords[group.change]}</span>
            <strong>{clientWords(group.clients)}</strong> → {group.server}:{group.targetPort}
            <span className="source">
              {group.host}:{group.port} · {outcomeWords[group.before]} becomes {outcomeWords[group.after]}
            </span>
            <span className="source">{group.why}</span>
          </li>
        ))}
      </ul>
      {groups.length > shownGroups ? <p className="hint">and {groups.length - shownGroups} more</p> : null}
    </section>
  );
}

function clientWords(clients: readonly string[]): string {
  return clients.length <= 3
    ? clients.join(', ')
    : `${clients.slice(0, 3).join(', ')} and ${clients.length - 3} more`;
}
