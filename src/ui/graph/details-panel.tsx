/** The panel about what is selected. */
import { useEffect, useState } from 'react';
import type {
  CallDetail,
  Neighbour,
  PairDetail,
  PortDetail,
  WorkloadDetail,
} from '../../mesh/graph/details.ts';
import type { DashboardState } from '../../server/wire.ts';
import { Icon, Lock } from '../icons.tsx';
import {
  dataplaneWords,
  namespaceLabel,
  nodeWords,
  outcomeWords,
  plural,
  stateMeanings,
  stateWords,
} from '../words.ts';
import type { EdgeAnswer, MeshSummary } from '../worker/protocol.ts';
import type { WorkerClient } from '../worker-client.ts';
import { Proof } from './proof.tsx';
import { Reasons } from './reasons.tsx';
import type { Selection } from './selection.ts';

export interface DetailsProps {
  readonly worker: WorkerClient;
  readonly mesh: MeshSummary;
  readonly state: DashboardState;
  readonly selection: Selection;
  readonly select: (selection: Selection | undefined) => void;
  readonly openNamespace: (namespace: string) => void;
}

type Shown =
  | { readonly kind: 'workload'; readonly detail: WorkloadDetail }
  | { readonly kind: 'edge'; readonly answer: EdgeAnswer }
  | { readonly kind: 'namespace'; readonly name: string }
  | { readonly kind: 'gone' };

export function Details(props: DetailsProps) {
  const { worker, mesh, selection, select } = props;
  const [shown, setShown] = useState<Shown>();
  useEffect(() => {
    let stale = false;
    void look(worker, mesh.revision, selection).then((next) => {
      if (!stale) setShown(next);
    });
    return () => {
      stale = true;
    };
  }, [worker, selection, mesh.revision]);
  return (
    <aside className="panel" aria-label="Details">
      <button
        type="button"
        className="quiet close"
        onClick={() => select(undefined)}
        aria-label="Close details"
      >
        <Icon name="close" />
      </button>
      {shown === undefined ? <p>Looking</p> : <Body {...props} shown={shown} />}
    </aside>
  );
}

async function look(worker: WorkerClient, revision: number, selection: Selection): Promise<Shown> {
  if (selection.kind === 'edge') {
    const answer = await worker.ask('edge', { revision, source: selection.source, target: selection.target });
    return answer === undefined ? { kind: 'gone' } : { kind: 'edge', answer };
  }
  if (selection.id.startsWith('ns:')) return { kind: 'namespace', name: selection.id.slice(3) };
  const detail = await worker.ask('workload', { revision, id: selection.id });
  return detail === undefined ? { kind: 'gone' } : { kind: 'workload', detail };
}

function Body({ shown, mesh, state, select, openNamespace }: DetailsProps & { readonly shown: Shown }) {
  switch (shown.kind) {
    case 'gone':
      return <p>It is not there any more.</p>;
    case 'namespace': {
      const count = mesh.namespaces.find(({ name }) => name === shown.name)?.workloads ?? 0;
      return (
        <>
          <h2>{namespaceLabel(shown.name)}</h2>
          <p className="kind">namespace · {plural(count, 'workload')}</p>
          <button type="button" className="primary" onClick={() => openNamespace(shown.name)}>
            Open it in the picture
          </button>
        </>
      );
    }
    case 'workload':
      return (
        <WorkloadBody
          key={shown.detail.node.id}
          detail={shown.detail}
          blocked={whyNotProbed(state, shown.detail.node.namespace)}
          revision={mesh.revision}
          select={select}
        />
      );
    case 'edge':
      return <EdgeBody answer={shown.answer} select={select} />;
  }
}

type Select = DetailsProps['select'];

function whyNotProbed({ live, namespaces }: DashboardState, namespace: string): string | undefined {
  if (!live) return 'Files are looked at: there is nothing to probe.';
  if (namespaces === undefined || namespaces.includes(namespace)) return undefined;
  return `The dashboard was started for ${namespaces.join(', ')}: nothing is probed in ${namespace}.`;
}

interface WorkloadBodyProps {
  readonly detail: WorkloadDetail;
  readonly blocked: string | undefined;
  readonly revision: number;
  readonly select: Select;
}

function WorkloadBody({ detail, blocked, revision, select }: WorkloadBodyProps) {
  const { node } = detail;
  return (
    <>
      <h2>{node.name}</h2>
      <p className="kind">
        {node.kind} in {namespaceLabel(node.namespace)} · {dataplaneWords[node.dataplane]} ·{' '}
        {plural(detail.pods.length, 'pod')}
      </p>
      <p className={`verdict state-${node.state}`}>
        <Lock state={node.state} size={22} /> <strong>{nodeWords[node.state]}</strong>
      </p>
      {node.blind === undefined ? null : (
        <p className="caution">
          Unknown: {node.blind}. The modes below are those that follow from what was read.
        </p>
      )}
      {detail.ports.length === 0 ? <p>No ports are known.</p> : <PortTable ports={detail.ports} />}
      {node.dataplane === 'outside' ? null : <Proof id={node.id} blocked={blocked} revision={revision} />}
      {detail.dataplaneBecause.length > 0 ? (
        <details>
          <summary>Why “{dataplaneWords[node.dataplane]}”</summary>
          <Reasons reasons={detail.dataplaneBecause} />
        </details>
      ) : null}
      <Neighbours
        title="May be called by"
        list={detail.callers}
        more={detail.moreCallers}
        open={(id) => select({ kind: 'edge', source: id, target: node.id })}
      />
      <Neighbours
        title="May call"
        list={detail.callees}
        more={detail.moreCallees}
        open={(id) => select({ kind: 'edge', source: node.id, target: id })}
      />
      <details>
        <summary>Identity, Services and pods</summary>
        <dl>
          <dt>Service account</dt>
          <dd>{detail.serviceAccount}</dd>
          <dt>Services</dt>
          <dd>{node.services.length === 0 ? 'none' : node.services.join(', ')}</dd>
          <dt>Pods</dt>
          <dd>
            <ul>
              {detail.pods.map(({ name, ready }) => (
                <li key={name}>
                  {name} {ready ? '' : '(not ready)'}
                </li>
              ))}
            </ul>
          </dd>
        </dl>
      </details>
    </>
  );
}

function PortTable({ ports }: { readonly ports: readonly PortDetail[] }) {
  return (
    <section aria-label="Ports">
      <h3>Ports</h3>
      {ports.map(({ port, mode, mtls, plaintext, captured, scope, because }) => (
        <details key={port} className="port">
          <summary>
            <strong>{port}</strong>
            <span className={`mode mode-${mode}`}>{captured ? mode : 'not captured'}</span>
            <span>
              {mtls && plaintext ? 'mutual TLS and plaintext' : mtls ? 'only mutual TLS' : 'only plaintext'}
            </span>
          </summary>
          <p className="kind">decided at the level: {scope}</p>
          <Reasons reasons={because} />
        </details>
      ))}
    </section>
  );
}

interface NeighboursProps {
  readonly title: string;
  readonly list: readonly Neighbour[];
  readonly more: number;
  readonly open: (id: string) => void;
}

function Neighbours({ title, list, more, open }: NeighboursProps) {
  if (list.length === 0) return null;
  return (
    <section>
      <h3>
        {title} <span className="count">{list.length + more}</span>
      </h3>
      <ul className="rows">
        {list.map(({ id, name, namespace, state, refusals, observed }) => (
          <li key={id}>
            <button type="button" onClick={() => open(id)}>
              <Lock state={state} size={16} />
              <span className="row-name">{namespace === '' ? name : `${namespace}/${name}`}</span>
              <span className="row-word">
                {stateWords[state]}
                {refusals && state !== 'refused' ? ', some refused' : ''}
                {observed ? ' · seen' : ''}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {more > 0 ? <p className="hint">and {more} more; the table has all of them</p> : null}
    </section>
  );
}

function EdgeBody({ answer, select }: { readonly answer: EdgeAnswer; readonly select: Select }) {
  if (answer.kind === 'pairs') return <PairsBody answer={answer} select={select} />;
  const { client, server, state, refusals, calls, observed } = answer.detail;
  return (
    <>
      <h2>
        {client.name} <span aria-hidden="true">→</span>
        <span className="visually-hidden">to</span> {server.name}
      </h2>
      <p className="kind">
        {namespaceLabel(client.namespace)} to {namespaceLabel(server.namespace)}
      </p>
      <p className={`verdict state-${state}`}>
        <Lock state={state} size={22} /> <strong>{stateWords[state]}</strong>
      </p>
      <p>
        {stateMeanings[state]} {refusals && state !== 'refused' ? 'Some ports refuse the call.' : ''}
      </p>
      {observed.length === 0 ? (
        <p className="hint">From configuration: what would happen. No traffic was observed for it.</p>
      ) : (
        <ul>
          {observed.map((call) => (
            <li key={`${call.by} ${call.port ?? ''}`}>
              {call.by}: {call.mtls} mutual TLS, {call.plaintext} plaintext, {call.refused} refused
            </li>
          ))}
        </ul>
      )}
      <h3>Calls</h3>
      {calls.map((call) => (
        <Call key={`${call.host} ${call.port} ${call.targetPort} ${call.subset ?? ''}`} call={call} />
      ))}
      <div className="row-buttons">
        <button type="button" onClick={() => select({ kind: 'node', id: client.id })}>
          {client.name}
        </button>
        <button type="button" onClick={() => select({ kind: 'node', id: server.id })}>
          {server.name}
        </button>
      </div>
    </>
  );
}

function Call({ call }: { readonly call: CallDetail }) {
  return (
    <details className="port">
      <summary>
        <Lock state={call.state} size={16} />
        <strong>
          {call.host}:{call.port}
        </strong>
        <span>
          sends {outcomeWords[call.sends]},{' '}
          {call.outcome === 'refused' ? 'refused' : `arrives as ${outcomeWords[call.outcome]}`}
        </span>
      </summary>
      {call.blind === undefined ? null : <p className="hint">Unknown: {call.blind}</p>}
      <Reasons reasons={call.because} />
    </details>
  );
}

function PairsBody({
  answer,
  select,
}: {
  readonly answer: Extract<EdgeAnswer, { kind: 'pairs' }>;
  readonly select: Select;
}) {
  return (
    <>
      <h2>{plural(answer.pairs.length + answer.more, 'pair')} of workloads</h2>
      <p className="kind">
        {endName(answer.source)} to {endName(answer.target)}, the worst first
      </p>
      <ul className="rows">
        {answer.pairs.map((pair: PairDetail) => (
          <li key={`${pair.client} ${pair.server}`}>
            <button
              type="button"
              onClick={() => select({ kind: 'edge', source: pair.client, target: pair.server })}
            >
              <Lock state={pair.state} size={16} />
              <span className="row-name">
                {pair.clientName} → {pair.serverName}
              </span>
              <span className="row-word">{stateWords[pair.state]}</span>
            </button>
          </li>
        ))}
      </ul>
      {answer.more > 0 ? <p className="hint">and {answer.more} more</p> : null}
    </>
  );
}

function endName(id: string): string {
  return id.startsWith('ns:') ? namespaceLabel(id.slice(3)) : id;
}
