/** The dashboard's HTTP: who may ask, and which question is answered by whom. A function from Request to Response. */
import { edgeRows, inboundRows } from '../mesh/posture.ts';
import { type Access, type Admission, wrongPlace } from './access.ts';
import { answer, json, refusal, refusalFor } from './answers.ts';
import type { Assets } from './assets.ts';
import { certificatesView } from './certificates-view.ts';
import type { Clock } from './cluster-source.ts';
import type { EventStream } from './event-stream.ts';
import { evidenceArchive } from './evidence-archive.ts';
import { findingsView } from './findings-view.ts';
import type { Observing } from './observing.ts';
import type { Refusals } from './refusals.ts';
import type { RolloutActions } from './rollout-actions.ts';
import { rolloutViews } from './rollout-views.ts';
import { signInPage } from './sign-in.ts';
import type { Source } from './source.ts';
import type { DashboardState, RolloutAction } from './wire.ts';
import { workloadProof } from './workload-proof.ts';

export interface HandlerParts {
  readonly access: Access;
  readonly assets: Assets;
  readonly source: Source;
  readonly events: EventStream;
  /** Absent where there is no cluster. */
  readonly rollouts?: RolloutActions;
  readonly observing?: Observing;
  readonly refusals?: Refusals;
  readonly allowChanges: boolean;
  readonly version: string;
  readonly boot: string;
  readonly clock: Clock;
  nonce(): string;
}

type Answer = (request: Request, parts: HandlerParts) => Response | Promise<Response>;

const reads: Readonly<Record<string, Answer>> = {
  '/api/state': (_request, parts) => json(stateOf(parts)),
  '/api/snapshot': (_request, { source }) =>
    answer(200, source.look.page, {
      'content-type': 'application/json; charset=utf-8',
      'x-revision': String(source.look.revision),
    }),
  '/api/posture': (_request, { source }) => {
    const options = source.namespaces === undefined ? {} : { namespaces: source.namespaces };
    const { mesh } = source.look;
    return json({ inbound: [...inboundRows(mesh, options)], edges: [...edgeRows(mesh, options)] });
  },
  '/api/findings': (_request, { source, clock }) => json(findingsView(source, today(clock))),
  '/api/events': (request, { events }) => events.open(request),
  '/api/certificates': async (request, { source, clock }) => {
    const { cluster } = source;
    if (cluster === undefined) return noCluster('certificates are read from running proxies');
    return json(await certificatesView(source, { cluster, now: () => clock.now(), signal: request.signal }));
  },
  '/api/observed': async (_request, { observing }) =>
    observing === undefined
      ? noCluster('traffic is observed at running proxies')
      : json(await observing.look()),
  '/api/refusals': (_request, { refusals }) =>
    refusals === undefined ? noCluster('logs are read from running proxies') : json(refusals.view()),
  '/api/rollouts': async (_request, { source, rollouts, clock }) => {
    if (source.cluster === undefined || rollouts === undefined) return noCluster('a rollout needs a cluster');
    return json(await rolloutViews(source.cluster, source.namespaces, rollouts, clock.now()));
  },
};

const writes: readonly {
  readonly path: RegExp;
  readonly answer: (request: Request, parts: HandlerParts, words: readonly string[]) => Promise<Response>;
}[] = [
  { path: /^\/api\/evidence$/, answer: makeEvidence },
  {
    path: /^\/api\/verify\/([a-z0-9-]{1,63})\/([A-Za-z]{1,63})\/([a-z0-9.-]{1,253})$/,
    answer: proveWorkload,
  },
  { path: /^\/api\/rollouts\/([a-z0-9-]{1,63})\/(pause|resume|abort)$/, answer: actOnRollout },
];

export function dashboardHandler(parts: HandlerParts): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const signsIn = pathname === '/sign-in' && request.method === 'POST';
    const wrong = wrongPlace(request, !isRead && !signsIn);
    if (wrong !== null) return refusal(403, wrong);
    if (signsIn) return signIn(request, parts);
    if (pathname.startsWith('/api/')) {
      if (!parts.access.mayAsk(request)) {
        return refusal(401, 'not signed in', 'open the address that the dashboard printed when it started');
      }
      return api(request, pathname, isRead, parts);
    }
    return isRead ? page(request, pathname, parts) : refusal(405, 'only GET is answered here');
  };
}

async function api(
  request: Request,
  pathname: string,
  isRead: boolean,
  parts: HandlerParts,
): Promise<Response> {
  try {
    const read = Object.hasOwn(reads, pathname) ? reads[pathname] : undefined;
    if (read !== undefined) return isRead ? await read(request, parts) : refusal(405, 'this is only read');
    for (const { path, answer: write } of writes) {
      const match = path.exec(pathname);
      if (match === null) continue;
      if (request.method !== 'POST') return refusal(405, 'this is only done by POST');
      return await write(request, parts, match.slice(1));
    }
    return refusal(404, `there is no ${pathname}`);
  } catch (thrown) {
    return refusalFor(thrown);
  }
}

/** The page and its files, which tell nothing of the mesh. The stylesheet and the icon are for the sign-in page too. */
function page(request: Request, pathname: string, { access, assets }: HandlerParts): Response {
  const token = new URL(request.url).searchParams.get('token');
  if (pathname === '/' && token !== null) {
    const admission = access.exchange(token);
    if (admission !== undefined) return admitted(admission);
    // An address that is opened twice: whoever is signed in already need not know.
    return access.hasCookie(request) ? answer(303, null, { location: '/' }) : signInPage('wrong-token');
  }
  if (pathname === '/sign-in') return signInPage();
  const open = pathname === '/app.css' || pathname === '/favicon.svg';
  if (!open && !access.hasCookie(request)) {
    return pathname === '/' ? signInPage() : refusal(401, 'not signed in');
  }
  const asset = assets.get(pathname === '/' ? '/index.html' : pathname);
  if (asset === undefined) return refusal(404, 'there is no such page');
  return answer(200, asset.content, { 'content-type': asset.type });
}

async function signIn(request: Request, { access }: HandlerParts): Promise<Response> {
  const form = new URLSearchParams(await request.text());
  const admission = access.exchange((form.get('token') ?? '').trim());
  return admission === undefined ? signInPage('wrong-token') : admitted(admission);
}

function admitted({ cookie, location }: Admission): Response {
  return answer(303, null, { location, 'set-cookie': cookie });
}

function stateOf({ source, version, boot, allowChanges }: HandlerParts): DashboardState {
  const { snapshot, revision } = source.look;
  return {
    version,
    boot,
    source: snapshot.source,
    live: source.cluster !== undefined,
    ...(source.namespaces === undefined ? {} : { namespaces: source.namespaces }),
    allowChanges,
    revision,
    ...(snapshot.takenAt === undefined ? {} : { takenAt: snapshot.takenAt }),
    ...(source.problem === undefined ? {} : { problem: source.problem }),
  };
}

function noCluster(why: string): Response {
  return refusal(
    409,
    `files are looked at, and ${why}`,
    'start the dashboard without -f to look at a cluster',
  );
}

/** Probes the namespaces; writes nothing to the cluster. */
async function makeEvidence(request: Request, parts: HandlerParts): Promise<Response> {
  const { source, clock, version } = parts;
  const { cluster } = source;
  if (cluster === undefined) return noCluster('evidence is gathered from running proxies');
  const made = await evidenceArchive(source.namespaces, {
    cluster,
    clock,
    version,
    nonce: () => parts.nonce(),
    signal: request.signal,
  });
  const name = `padlock-evidence-${new Date(clock.now()).toISOString().slice(0, 19).replaceAll(':', '')}.tar.gz`;
  return answer(200, new Uint8Array(made.archive), {
    'content-type': 'application/gzip',
    'content-disposition': `attachment; filename="${name}"`,
    'x-verdict': made.verdict,
    'x-files': String(made.files),
  });
}

/** Probes one workload; writes nothing to the cluster. */
async function proveWorkload(
  request: Request,
  { source, clock, nonce }: HandlerParts,
  words: readonly string[],
): Promise<Response> {
  const [namespace = '', kind = '', name = ''] = words;
  const { cluster } = source;
  if (cluster === undefined) return noCluster('only running proxies can be probed');
  if (source.namespaces !== undefined && !source.namespaces.includes(namespace)) {
    return refusal(
      404,
      `the dashboard was not asked to look at ${namespace}`,
      `start it with -n ${namespace} or -A to probe there`,
    );
  }
  const effects = { cluster, clock, nonce: () => nonce(), signal: request.signal };
  return json(await workloadProof({ namespace, kind, name }, effects));
}

async function actOnRollout(
  _request: Request,
  { source, rollouts, allowChanges }: HandlerParts,
  words: readonly string[],
): Promise<Response> {
  const [namespace = '', action = ''] = words;
  if (!allowChanges) {
    return refusal(403, 'the dashboard changes nothing', 'start it with --allow-changes to steer rollouts');
  }
  if (rollouts === undefined) return noCluster('a rollout needs a cluster');
  if (source.namespaces !== undefined && !source.namespaces.includes(namespace)) {
    return refusal(404, `the dashboard does not look at ${namespace}`);
  }
  await rollouts.act(namespace, actionOf(action));
  return json({ done: true });
}

function actionOf(word: string): RolloutAction {
  return word === 'pause' || word === 'resume' ? word : 'abort';
}

function today(clock: Clock): string {
  return new Date(clock.now()).toISOString().slice(0, 10);
}
