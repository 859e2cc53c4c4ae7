/** Who expires when: each certificate's life as a bar, the moment it should be renewed, and now. */
import type { CertificatesView, CertificateView } from '../../server/wire.ts';
import { getJson } from '../api.ts';
import { plural } from '../words.ts';
import { Answer, PageFrame, type PageProps } from './page.tsx';
import { useLoaded } from './use-loaded.ts';

export function CertificatesPage({ dashboard, state }: PageProps) {
  const loaded = useLoaded<CertificatesView>(
    (signal) => getJson('/api/certificates', signal),
    `${state.boot} ${dashboard.rolloutTick}`,
  );
  return (
    <PageFrame
      title="Certificates"
      lead="What each proxy holds: whose it is, when it ends, and which root signed it."
    >
      <Answer loaded={loaded}>{(view) => <TimeLine view={view} />}</Answer>
    </PageFrame>
  );
}

const width = 640;

function TimeLine({ view }: { readonly view: CertificatesView }) {
  const now = Date.parse(view.takenAt);
  const { certificates } = view;
  const from = Math.min(now, ...certificates.map((one) => Date.parse(one.from)));
  const to = Math.max(now, ...certificates.map((one) => Date.parse(one.to)));
  const at = (time: number): number => ((time - from) / Math.max(1, to - from)) * width;
  const sorted = certificates.toSorted((a, b) => (a.to < b.to ? -1 : 1));
  return (
    <>
      {view.findings.map((finding) => (
        <p key={finding} className="caution">
          {finding}
        </p>
      ))}
      <h2>
        Workloads <span className="count">{certificates.length}</span>
      </h2>
      {certificates.length === 0 ? <p>No proxy with a certificate was found.</p> : null}
      <div className="scroll">
        <table className="certificates">
          <thead>
            <tr>
              <th scope="col">Workload</th>
              <th scope="col">
                <span className="axis">
                  <span>{moment(from)}</span>
                  <span>now {moment(now)}</span>
                  <span>{moment(to)}</span>
                </span>
              </th>
              <th scope="col">Ends</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((one) => (
              <Certificate key={`${one.namespace}/${one.pod}`} one={one} at={at} now={now} />
            ))}
          </tbody>
        </table>
      </div>
      <h2>
        Roots <span className="count">{view.roots.length}</span>
      </h2>
      <ul className="plain">
        {view.roots.map((root) => (
          <li key={root.fingerprint}>
            <strong>{root.subject}</strong> until {day(root.to)}, trusted by {plural(root.pods, 'pod')}
            <span className="source">SHA-256 {root.fingerprint}</span>
          </li>
        ))}
      </ul>
      {view.unread.length > 0 ? (
        <details>
          <summary>{plural(view.unread.length, 'proxy', 'proxies')} could not be read</summary>
          <ul>
            {view.unread.map(({ pod, why }) => (
              <li key={pod}>
                {pod}: {why}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  );
}

interface CertificateProps {
  readonly one: CertificateView;
  readonly at: (time: number) => number;
  readonly now: number;
}

function Certificate({ one, at, now }: CertificateProps) {
  const start = at(Date.parse(one.from));
  const end = at(Date.parse(one.to));
  const due = Date.parse(one.renewalDue);
  const ended = Date.parse(one.to) <= now;
  const late = !ended && due <= now;
  return (
    <tr>
      <td>
        <strong>
          {one.namespace}/{one.pod}
        </strong>
        <span className="source">{one.id}</span>
        {one.problems.map(({ text }) => (
          <span key={text} className="problem">
            {text}
          </span>
        ))}
      </td>
      <td>
        <svg
          className={`life ${ended ? 'ended' : late ? 'late' : ''}`}
          viewBox={`0 0 ${width} 22`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`valid from ${one.from} to ${one.to}, renewal due ${one.renewalDue}`}
        >
          <rect className="life-bar" x={start} y={7} width={Math.max(2, end - start)} height={8} rx={4} />
          <rect className="life-due" x={at(due) - 1} y={3} width={2} height={16} />
          <rect className="life-now" x={at(now) - 1} y={0} width={2} height={22} />
        </svg>
      </td>
      <td>
        {ended ? 'ended ' : ''}
        {distance(Date.parse(one.to) - now)}
        <span className="source">renewal due {distance(due - now)}</span>
      </td>
    </tr>
  );
}

function moment(time: number): string {
  return new Date(time).toLocaleString('en-GB', {
    day: '2-digit',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}

function day(text: string): string {
  return new Date(text).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
}

/** `in 11 h 58 min`, `3 min ago`. */
function distance(milliseconds: number): string {
  const minutes = Math.round(Math.abs(milliseconds) / 60_000);
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  const words =
    days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
  return milliseconds < 0 ? `${words} ago` : `in ${words}`;
}
