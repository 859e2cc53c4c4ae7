/** "Look at it now" in the panel of a workload: its four columns by port, proven on the spot, and its certificates. */
import { useEffect, useRef, useState } from 'react';
import type { CertificateView, ColumnView, ProofRowView, WorkloadProofView } from '../../server/wire.ts';
import { ApiError, post } from '../api.ts';

export interface ProofProps {
  /** `NAMESPACE/KIND/NAME`. */
  readonly id: string;
  /** Why it cannot be looked at; undefined: it can. */
  readonly blocked: string | undefined;
  readonly revision: number;
}

type Looking =
  | { readonly step: 'idle' | 'looking' }
  | { readonly step: 'seen'; readonly proof: WorkloadProofView; readonly revision: number }
  | { readonly step: 'failed'; readonly message: string; readonly hint?: string };

export function Proof({ id, blocked, revision }: ProofProps) {
  const [looking, setLooking] = useState<Looking>({ step: 'idle' });
  const gone = useRef<AbortController>(undefined);
  // Whoever closes the panel does not wait for the answer.
  useEffect(() => () => gone.current?.abort(), []);
  const look = async (): Promise<void> => {
    gone.current?.abort();
    const asking = new AbortController();
    gone.current = asking;
    setLooking({ step: 'looking' });
    try {
      const path = id.split('/').map(encodeURIComponent).join('/');
      const response = await post(`/api/verify/${path}`, asking.signal);
      // The server and the page are built together from one file of types.
      const proof = (await response.json()) as WorkloadProofView;
      setLooking({ step: 'seen', proof, revision });
    } catch (error) {
      if (asking.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      const hint = error instanceof ApiError ? error.hint : undefined;
      setLooking({ step: 'failed', message, ...(hint === undefined ? {} : { hint }) });
    }
  };
  const { step } = looking;
  return (
    <section className="proof" aria-label="Proof">
      <h3>Proof</h3>
      <p className="hint">
        {blocked ??
          'Reads its proxies and opens connections to its ports, as padlock verify does. Changes nothing.'}
      </p>
      <button
        type="button"
        disabled={blocked !== undefined || step === 'looking'}
        onClick={() => void look()}
      >
        {step === 'looking' ? 'Looking' : step === 'seen' ? 'Look again' : 'Look at it now'}
      </button>
      <div aria-live="polite">
        {looking.step === 'failed' ? (
          <p className="caution">
            {looking.message}
            {looking.hint === undefined ? null : <span className="source">{looking.hint}</span>}
          </p>
        ) : null}
        {looking.step === 'seen' ? (
          <Seen proof={looking.proof} changed={looking.revision !== revision} />
        ) : null}
      </div>
    </section>
  );
}

function Seen({ proof, changed }: { readonly proof: WorkloadProofView; readonly changed: boolean }) {
  return (
    <>
      <p className="hint">
        Seen at {new Date(proof.at).toLocaleTimeString('en-GB')}.
        {changed ? <strong> The mesh has changed since: look again.</strong> : null}
      </p>
      {proof.rows.length === 0 ? <p className="caution">INCONCLUSIVE: no port of it is known.</p> : null}
      {proof.rows.map((row) => (
        <Row key={row.port} row={row} />
      ))}
      <h3>Certificates</h3>
      {proof.certificates.length + proof.unread.length === 0 ? (
        <p className="hint">It has no proxy that holds one.</p>
      ) : null}
      {proof.certificates.map((one) => (
        <Certificate key={`${one.pod} ${one.id} ${one.from}`} one={one} />
      ))}
      {proof.unread.map(({ pod, why }) => (
        <p key={pod} className="caution">
          {pod}: {why}
        </p>
      ))}
      {proof.limits.length === 0 ? null : (
        <details>
          <summary>Not part of the proof</summary>
          <ul className="reasons">
            {proof.limits.map((limit) => (
              <li key={limit}>{limit}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

const columns = [
  ['declared', 'Declared'],
  ['configured', 'Configured'],
  ['observed', 'Observed'],
  ['proven', 'Proven'],
] as const;

function Row({ row }: { readonly row: ProofRowView }) {
  const { port, verdict, reason, next, disagreements } = row;
  return (
    <section className={`port proof-row verdict-${verdict}`} aria-label={`Proof of port ${port}`}>
      <p className="proof-head">
        <strong>{port}</strong> <span className="headline">{verdict}</span>
      </p>
      <dl>
        {columns.map(([key, title]) => (
          <Column key={key} title={title} column={row.columns[key]} />
        ))}
      </dl>
      <p className="proof-reason">{reason}</p>
      {disagreements.map((message) => (
        <p key={message} className="caution">
          Contradiction: {message}
        </p>
      ))}
      {next === undefined ? null : <p className="hint">Next: {next}</p>}
    </section>
  );
}

function Column({ title, column }: { readonly title: string; readonly column: ColumnView }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {column.notes.length === 0 ? (
          column.says
        ) : (
          <details>
            <summary>{column.says}</summary>
            <ul className="reasons">
              {[...new Set(column.notes)].map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          </details>
        )}
      </dd>
    </>
  );
}

function Certificate({ one }: { readonly one: CertificateView }) {
  return (
    <section className="port" aria-label={`Certificate of ${one.pod}`}>
      <strong>{one.pod}</strong>
      <dl>
        <dt>Identity</dt>
        <dd>{one.id === '' ? 'none' : one.id}</dd>
        <dt>Valid</dt>
        <dd>
          {moment(one.from)} to {moment(one.to)}
        </dd>
        <dt>Renewal due</dt>
        <dd>{moment(one.renewalDue)}</dd>
        <dt>Issuer</dt>
        <dd>{one.issuer}</dd>
        <dt>Key</dt>
        <dd>{one.key}</dd>
      </dl>
      {one.problems.map(({ text }) => (
        <p key={text} className="caution">
          {text}
        </p>
      ))}
    </section>
  );
}

function moment(text: string): string {
  return new Date(text).toLocaleString('en-GB', {
    day: '2-digit',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}
