/**
 * The page's worker: it fetches the snapshot, evaluates it by the same pure rooms as the command line, and places the graph,
 * so that the page itself never waits for any of it.
 */
import { unseenSentences } from '../../mesh/graph/blind-spots.ts';
import type { Choice } from '../../mesh/graph/choice.ts';
import { edgeDetail, pairsBetween, workloadDetail } from '../../mesh/graph/details.ts';
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import { buildGraph, type Graph } from '../../mesh/graph/graph.ts';
import type { ObservedCall } from '../../mesh/graph/observed.ts';
import { type ViewOptions, viewOf } from '../../mesh/graph/view.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import type { Snapshot } from '../../mesh/snapshot.ts';
import { keyHeader } from '../page-key.ts';
import { type Layout, layOut } from './layout.ts';
import type {
  EdgeAnswer,
  LaidOutView,
  MeshSummary,
  Question,
  Questions,
  Reply,
  Topic,
  ViewRequest,
} from './protocol.ts';
import { meshAfter, whatIf } from './what-if.ts';

interface Loaded {
  readonly mesh: Mesh;
  readonly graph: Graph;
  readonly asked: readonly string[] | undefined;
}

class SnapshotRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What traffic showed; kept from snapshot to snapshot. */
let calls: readonly ObservedCall[] = [];
let revision = 0;
let loaded: Loaded | undefined;
let after: { readonly key: string; readonly mesh: Mesh; readonly graph: Graph } | undefined;
/** Layouts by the nodes that they place: a policy change must not move the picture about. */
const layouts = new Map<string, Layout>();

const now = (): number => performance.now();

function current(): Loaded {
  if (loaded === undefined) throw new Error('nothing was loaded yet');
  return loaded;
}

async function load({ key, asked }: Questions['load']['ask']): Promise<MeshSummary> {
  const response = await fetch('/api/snapshot', { headers: { [keyHeader]: key } });
  if (!response.ok)
    throw new SnapshotRefused(response.status, `the snapshot was refused: HTTP ${response.status}`);
  // The server's own snapshot, by the same types.
  const snapshot = (await response.json()) as Snapshot;
  const mesh = buildMesh(snapshot);
  return takeUp(mesh, asked);
}

function observe(ask: Questions['observe']['ask']): MeshSummary {
  const { mesh, asked } = current();
  calls = ask.calls;
  return takeUp(mesh, asked);
}

function takeUp(mesh: Mesh, asked: readonly string[] | undefined): MeshSummary {
  const graph = buildGraph(mesh, { asked, observed: calls });
  loaded = { mesh, graph, asked };
  after = undefined;
  revision++;
  return summaryOf(mesh, graph);
}

const systemNamespaces: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
  'gatekeeper-system',
  'gke-managed-system',
]);

function summaryOf(mesh: Mesh, graph: Graph): MeshSummary {
  const { rootNamespace } = mesh.config;
  const counts = new Map<string, number>();
  for (const { namespace } of graph.nodes) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  for (const name of mesh.namespaces.keys()) if (!counts.has(name)) counts.set(name, 0);
  return {
    revision,
    rootNamespace,
    namespaces: [...counts]
      .map(([name, workloads]) => ({
        name,
        workloads,
        system: name === '' || name === rootNamespace || systemNamespaces.has(name),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    workloads: graph.nodes
      .filter(({ namespace }) => namespace !== '')
      .map(({ id, namespace, name, ports }) => ({
        id,
        namespace,
        name,
        ports: ports.map(({ port }) => port),
      })),
    unseen: unseenSentences(mesh),
    observed: calls.length > 0,
  };
}

function graphFor(choice: Choice | undefined): Graph {
  const { mesh, graph, asked } = current();
  if (choice === undefined) return graph;
  const key = JSON.stringify(choice);
  if (after?.key !== key) {
    const changed = meshAfter(mesh, choice);
    if (changed === undefined) return graph;
    after = { key, mesh: changed, graph: buildGraph(changed, { asked }) };
  }
  return after.graph;
}

function view(request: ViewRequest): LaidOutView {
  const began = now();
  const options: ViewOptions = {
    collapsed: new Set(request.collapsed),
    shown: new Set(request.shown),
    only: request.only,
    observedOnly: request.observedOnly,
    limit: request.limit,
  };
  const { graph } = current();
  const shown = viewOf(graphFor(request.choice), {
    ...options,
    ...(request.choice === undefined ? {} : { traffic: graph }),
  });
  const before =
    request.choice === undefined
      ? undefined
      : new Map(
          viewOf(graph, {
            ...options,
            only: 'all',
            observedOnly: false,
            limit: Number.POSITIVE_INFINITY,
          }).edges.map(({ id, state }): readonly [string, EdgeState] => [id, state]),
        );
  const viewed = now();
  const key = shown.nodes.map(({ id }) => id).join('\n');
  const layout = layouts.get(key) ?? layOut(shown.nodes, shown.edges);
  if (layouts.size > 50) layouts.clear();
  layouts.set(key, layout);
  return {
    ...shown,
    edges: shown.edges.map((edge) => {
      const was = before?.get(edge.id);
      return was === undefined || was === edge.state ? edge : { ...edge, before: was };
    }),
    ...layout,
    milliseconds: { view: viewed - began, layout: now() - viewed },
  };
}

function membersOf(graph: Graph, id: string): readonly number[] {
  if (!id.startsWith('ns:')) {
    const index = graph.indexOf.get(id);
    return index === undefined ? [] : [index];
  }
  return graph.nodes.flatMap(({ namespace }, index) => (`ns:${namespace}` === id ? [index] : []));
}

function edge({ source, target }: Questions['edge']['ask']): EdgeAnswer | undefined {
  const { mesh, graph, asked } = current();
  if (!source.startsWith('ns:') && !target.startsWith('ns:')) {
    const detail = edgeDetail(mesh, graph, source, target, { asked, observed: calls });
    return detail === undefined ? undefined : { kind: 'pair', detail };
  }
  const found = pairsBetween(graph, membersOf(graph, source), membersOf(graph, target), 200);
  return { kind: 'pairs', source, target, ...found };
}

async function answer(question: Question): Promise<Questions[Topic]['answer']> {
  switch (question.topic) {
    case 'load':
      return load(question.ask);
    case 'observe':
      return observe(question.ask);
    case 'view':
      return view(question.ask);
    case 'workload':
      return workloadDetail(current().mesh, current().graph, question.ask.id);
    case 'edge':
      return edge(question.ask);
    case 'whatIf':
      return whatIf(current().mesh, question.ask.choice, now);
  }
}

self.addEventListener('message', async ({ data }: MessageEvent<Question>) => {
  const reply = (message: Reply): void => self.postMessage(message);
  try {
    reply({ number: data.number, answer: await answer(data) });
  } catch (error) {
    const status = error instanceof SnapshotRefused ? error.status : 0;
    reply({ number: data.number, status, error: error instanceof Error ? error.message : String(error) });
  }
});
