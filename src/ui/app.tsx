/** The frame around every page: where one is, what is looked at, and whether it is still alive. */
import { useEffect, useState } from 'react';
import { GraphPage } from './graph/graph-page.tsx';
import { ArrowHeads, Icon, type IconName } from './icons.tsx';
import { CertificatesPage } from './pages/certificates.tsx';
import { EventsPage } from './pages/events.tsx';
import { EvidencePage } from './pages/evidence.tsx';
import { FindingsPage } from './pages/findings.tsx';
import { RolloutPage } from './pages/rollout.tsx';
import { type Connection, type Dashboard, useDashboard } from './use-dashboard.ts';
import { useTheme } from './use-theme.ts';

const pages = [
  { id: 'graph', title: 'Graph' },
  { id: 'findings', title: 'Findings' },
  { id: 'rollout', title: 'Rollout' },
  { id: 'certificates', title: 'Certificates' },
  { id: 'events', title: 'Events' },
  { id: 'evidence', title: 'Evidence' },
] as const satisfies readonly { readonly id: IconName; readonly title: string }[];

type PageId = (typeof pages)[number]['id'];

export function App() {
  const dashboard = useDashboard();
  const [page, open] = usePage();
  const [theme, toggleTheme] = useTheme();
  const refusals = dashboard.events.filter(({ kind }) => kind === 'refused').length;
  return (
    <div className="app">
      <ArrowHeads />
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <nav className="side" aria-label="Pages">
        <div className="brand">
          <img src="/favicon.svg" alt="" width={28} height={28} />
          <span>Padlock</span>
        </div>
        <ul>
          {pages.map(({ id, title }) => (
            <li key={id}>
              <a href={`#${id}`} aria-current={page === id ? 'page' : undefined}>
                <Icon name={id} />
                <span className="nav-text">{title}</span>
                {id === 'events' && refusals > 0 ? (
                  <span className="badge" title={`${refusals} refused connections`}>
                    {refusals}
                  </span>
                ) : null}
              </a>
            </li>
          ))}
        </ul>
        <button
          type="button"
          className="quiet theme"
          onClick={toggleTheme}
          aria-label={theme === 'dark' ? 'Use light colours' : 'Use dark colours'}
        >
          <Icon name={theme === 'dark' ? 'sun' : 'moon'} />
          <span className="nav-text">{theme === 'dark' ? 'Light' : 'Dark'}</span>
        </button>
      </nav>
      <div className="main">
        <Header dashboard={dashboard} />
        <main id="content" tabIndex={-1}>
          <Body dashboard={dashboard} page={page} open={open} theme={theme} />
        </main>
      </div>
    </div>
  );
}

function usePage(): readonly [PageId, (page: PageId) => void] {
  const read = (): PageId => pages.find(({ id }) => location.hash === `#${id}`)?.id ?? 'graph';
  const [page, setPage] = useState(read);
  useEffect(() => {
    const changed = (): void => setPage(read());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  });
  return [
    page,
    (next) => {
      location.hash = next;
    },
  ];
}

const connectionWords = {
  loading: 'Reading',
  live: 'Live',
  reconnecting: 'Reconnecting',
  'signed-out': 'Signed out',
  failed: 'Failed',
} as const satisfies Record<Connection, string>;

function Header({ dashboard: { state, connection, problem } }: { readonly dashboard: Dashboard }) {
  const scope =
    state === undefined
      ? ''
      : state.namespaces === undefined
        ? 'all namespaces'
        : `namespace ${state.namespaces.join(', ')}`;
  const still = state !== undefined && !state.live && connection === 'live';
  return (
    <header className="top">
      <div className="scope">
        <strong>{state?.source ?? 'Padlock'}</strong>
        <span>{scope}</span>
      </div>
      {state?.allowChanges === true ? <span className="pill warn">may change the cluster</span> : null}
      <output className={`pill connection ${problem === undefined ? connection : 'lost'}`} aria-live="polite">
        {still
          ? 'Snapshot'
          : problem !== undefined && connection === 'live'
            ? 'Cluster not reachable'
            : connectionWords[connection]}
        {state?.takenAt === undefined || connection !== 'live' ? null : (
          <time dateTime={state.takenAt}> {new Date(state.takenAt).toLocaleTimeString('en-GB')}</time>
        )}
      </output>
    </header>
  );
}

interface BodyProps {
  readonly dashboard: Dashboard;
  readonly page: PageId;
  readonly open: (page: PageId) => void;
  readonly theme: 'light' | 'dark';
}

function Body({ dashboard, page, theme }: BodyProps) {
  const { connection, problem, mesh, state } = dashboard;
  if (connection === 'signed-out') {
    return (
      <section className="notice" role="alert">
        <h1>Signed out</h1>
        <p>
          The dashboard was started anew, or this browser has not signed in. Open the address that{' '}
          <code>padlock dashboard</code> printed, or <a href="/sign-in">sign in with its token</a>.
        </p>
      </section>
    );
  }
  if (connection === 'failed') {
    return (
      <section className="notice" role="alert">
        <h1>This cannot be shown</h1>
        <p>{problem}</p>
      </section>
    );
  }
  if (mesh === undefined || state === undefined) {
    return (
      <section className="notice">
        <p className="reading">Reading the mesh</p>
      </section>
    );
  }
  const shared = { dashboard, mesh, state };
  return (
    <>
      <Warnings problem={problem} connection={connection} unseen={mesh.unseen} />
      <GraphPage {...shared} theme={theme} hidden={page !== 'graph'} />
      {page === 'findings' ? <FindingsPage {...shared} /> : null}
      {page === 'rollout' ? <RolloutPage {...shared} /> : null}
      {page === 'certificates' ? <CertificatesPage {...shared} /> : null}
      {page === 'events' ? <EventsPage {...shared} /> : null}
      {page === 'evidence' ? <EvidencePage {...shared} /> : null}
    </>
  );
}

interface WarningsProps {
  readonly problem: string | undefined;
  readonly connection: Connection;
  readonly unseen: readonly string[];
}

/** What makes the rest less certain is said above it. */
function Warnings({ problem, connection, unseen }: WarningsProps) {
  return (
    <div className="warnings">
      {connection === 'reconnecting' ? (
        <p role="alert">
          The dashboard’s server does not answer. What is shown is the last that was seen; it is tried again.
        </p>
      ) : null}
      {problem !== undefined && connection === 'live' ? (
        <p role="alert">The cluster does not answer: {problem}</p>
      ) : null}
      {unseen.length > 0 ? (
        <details>
          <summary>
            {unseen.length === 1 ? 'One thing' : `${unseen.length} things`} could not be read: what rests on
            it is “unknown”
          </summary>
          <ul>
            {unseen.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </details>
      ) : null}
    </div>
  );
}
