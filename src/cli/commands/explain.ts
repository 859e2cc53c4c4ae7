/** `padlock explain`: understand the question, read, walk the chain, print. */
import { ExitCode, PadlockError } from '../../errors.ts';
import { isIstioServerName } from '../../evidence/envoy/access-log.ts';
import { explainLine, isKnownLine } from '../../evidence/explain-line.ts';
import { type CallAnswer, explainCall, explainPort } from '../../mesh/explain/explain.ts';
import { callQuestion, outsideClient, type Problem, portQuestion } from '../../mesh/explain/question.ts';
import { findAddress } from '../../mesh/find.ts';
import { findingCodes } from '../../mesh/findings/codes.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import { type ExplainReport, type LineReport, nameWorkload } from '../../report/explain/explain-report.ts';
import type { Context } from '../context.ts';
import { placeExplanation } from '../explain-places.ts';
import { asFindingCode, findingPageText } from '../finding-page.ts';
import { snapshotFrom } from '../snapshot-from.ts';
import { rememberStdin } from '../source-places.ts';
import type { ExplainFlags } from './explain.route.ts';

export default async function explain(
  this: Context,
  flags: ExplainFlags,
  ...words: readonly string[]
): Promise<void> {
  const [word = '', more] = words;
  const code = more === undefined ? asFindingCode(word) : undefined;
  if (code !== undefined) return this.stdout.write(findingPageText(code));
  if (more === undefined && /^PL\d+$/i.test(word)) throw noSuchCode(word);
  const remembered = rememberStdin(this);
  const report = await placeExplanation(await answer(remembered, flags, words), remembered);
  await this.stdout.write(await render(report, flags, this));
  const unknown =
    report.kind === 'lines' && report.lines.every(({ symptom, entry }) => (symptom ?? entry) === undefined);
  this.setExitCode(unknown ? ExitCode.inconclusive : ExitCode.ok);
}

function noSuchCode(word: string): PadlockError {
  return new PadlockError('USAGE', `there is no code ${word.toUpperCase()}`, {
    hint: `there are ${findingCodes[0]} to ${findingCodes.at(-1)}`,
  });
}

async function render(report: ExplainReport, { output }: ExplainFlags, { stdout }: Context): Promise<string> {
  if (output === 'text') {
    const { renderExplainText } = await import('../../report/explain/explain-text.ts');
    return renderExplainText(report, { width: stdout.columns, color: stdout.color });
  }
  const { explainDocument } = await import('../../report/explain/explain-json.ts');
  if (output === 'json') return `${JSON.stringify(explainDocument(report), undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(explainDocument(report), { aliasDuplicateObjects: false });
}

async function answer(
  context: Context,
  flags: ExplainFlags,
  words: readonly string[],
): Promise<ExplainReport> {
  const text = words.join(' ');
  if (text === '-') return explainLines(context, flags, (await standardInput(context, flags)).split('\n'));
  // An error that is pasted without quotes comes as many words.
  if (words.length > 2 || isKnownLine(text) || /\s/.test(words[0] ?? '')) {
    return explainLines(context, flags, text.split('\n'));
  }
  const mesh = await readMesh(context, flags);
  const rest = { unseen: mesh.snapshot.unseen, source: mesh.snapshot.source };
  const [first = '', second] = words;
  if (second === undefined) {
    const question = portQuestion(mesh, first, flags.namespace);
    if (question.kind === 'problem') throw notFound(question);
    const answers = question.workloads.map((workload) => explainPort(mesh, workload, question.port));
    return { kind: 'port', answers, ...rest };
  }
  const question = callQuestion(mesh, first, second, flags.namespace);
  if (question.kind === 'problem') throw notFound(question);
  const answers = explainCall(mesh, question);
  if (answers.length === 0) {
    throw new PadlockError(
      'WORKLOAD_NOT_FOUND',
      `nobody is behind ${second}: it has no endpoint that ${first} is led to`,
      {
        hint: 'look at the selector of the Service, and at the VirtualServices and subsets for its host',
      },
    );
  }
  return { kind: 'call', answers, ...(question.note === undefined ? {} : { note: question.note }), ...rest };
}

function notFound({ sentence, hint }: Problem): PadlockError {
  return new PadlockError('WORKLOAD_NOT_FOUND', sentence, hint === undefined ? {} : { hint });
}

async function standardInput(context: Context, flags: ExplainFlags): Promise<string> {
  if (flags.filename?.includes('-') === true) {
    throw new PadlockError('USAGE', 'the lines and the manifests cannot both come from standard input');
  }
  return Buffer.from(await context.stdin.read()).toString('utf8');
}

async function readMesh(context: Context, flags: ExplainFlags): Promise<Mesh> {
  const { snapshot } = await snapshotFrom(flags, context);
  return buildMesh(snapshot);
}

/** So many different lines are explained; a log has few kinds of trouble. */
const mostLines = 20;

async function explainLines(
  context: Context,
  flags: ExplainFlags,
  lines: readonly string[],
): Promise<ExplainReport> {
  const asked = flags.filename ?? flags.namespace ?? flags.allNamespaces ?? flags.context ?? flags.kubeconfig;
  const mesh = asked === undefined ? undefined : await readMesh(context, flags);
  const wanted = lines.map((line) => line.trim()).filter((line) => line !== '');
  if (wanted.length === 0)
    throw new PadlockError('USAGE', 'there is no line to explain: standard input was empty');
  const known = wanted.map(explainLine).filter(({ symptom }) => symptom !== undefined);
  const shown = known.length > 0 ? known : wanted.slice(0, 1).map(explainLine);
  const groups = Map.groupBy(
    shown,
    ({ symptom, from, to }) => `${symptom?.id} ${from} ${to?.name} ${to?.port}`,
  );
  const reports = [...groups.values()]
    .slice(0, mostLines)
    .flatMap(([first, ...more]) => (first === undefined ? [] : [lineReport(mesh, first, more.length + 1)]));
  return {
    kind: 'lines',
    lines: reports,
    unseen: mesh?.snapshot.unseen ?? [],
    ...(mesh === undefined ? {} : { source: mesh.snapshot.source }),
  };
}

/** Puts the names of the mesh to the line's addresses, and walks the chain between them. */
function lineReport(mesh: Mesh | undefined, line: ReturnType<typeof explainLine>, count: number): LineReport {
  const { from, to } = line;
  if (mesh === undefined || from === undefined || to === undefined) return { ...line, count, answers: [] };
  const caller = findAddress(mesh, from);
  const called = findAddress(mesh, to.name);
  const fromName =
    caller !== undefined && 'workload' in caller
      ? nameWorkload(caller.workload)
      : 'no pod that was read: a node, a load balancer, another network, or a pod that is gone';
  const toName = called !== undefined && 'workload' in called ? nameWorkload(called.workload) : undefined;
  const client = caller !== undefined && 'workload' in caller ? from : 'outside';
  const question = callQuestion(mesh, client, `${to.name}:${to.port}`);
  const named = { ...line, count, fromName, ...(toName === undefined ? {} : { toName }) };
  if (question.kind === 'problem') return { ...named, answers: [], note: question.sentence };
  const clients = client === 'outside' ? [outsideClient] : question.clients;
  const answers = explainCall(mesh, { ...question, clients });
  const note = contradiction(line, answers);
  return { ...named, answers, ...(note === undefined ? {} : { note }) };
}

/** A line that shows plaintext from somebody whose sidecar would not send it. */
function contradiction(
  { side, entry }: ReturnType<typeof explainLine>,
  [likeliest]: readonly CallAnswer[],
): string | undefined {
  if (side !== 'server' || entry === undefined || isIstioServerName(entry.serverName)) return undefined;
  if (likeliest?.sends !== 'istio-mtls') return undefined;
  return "the caller's sidecar would send mutual TLS, so this connection did not go through it (kubectl exec -c istio-proxy, an init container, a process of user 1337), or what was read is not what held at that time";
}
