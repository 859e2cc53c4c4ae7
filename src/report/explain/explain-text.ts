/** `padlock explain` for people: the verdict, both sides level by level, and the one field to change. */
import { formatRef } from '../../istio/kubernetes.ts';
import type { Outcome } from '../../mesh/edge.ts';
import {
  acceptsWords,
  type CallAnswer,
  type LevelRow,
  type Lever,
  type PortAnswer,
  type ServerSide,
} from '../../mesh/explain/explain.ts';
import type { Reason } from '../../mesh/reason.ts';
import type { Origin } from '../../mesh/snapshot.ts';
import { formatChange } from '../fix.ts';
import { paint, type Tone } from '../style.ts';
import { renderTable } from '../table.ts';
import { indentText, printable } from '../text-width.ts';
import {
  dataplaneWords,
  type ExplainReport,
  type LineReport,
  nameWorkload,
  sendsWords,
} from './explain-report.ts';

export interface ExplainTextOptions {
  readonly width: number;
  readonly color: boolean;
}

const verdicts = {
  mtls: ['√', 'MUTUAL TLS', 'good'],
  tls: ['i', 'TLS, NOT THE MESH’S', 'note'],
  plaintext: ['‼', 'PLAINTEXT', 'warn'],
  refused: ['×', 'REFUSED', 'bad'],
} as const satisfies Record<Outcome, readonly [string, string, Tone]>;

/** Renders the report; ends in a newline. */
export function renderExplainText(report: ExplainReport, options: ExplainTextOptions): string {
  const blocks: string[] = [];
  switch (report.kind) {
    case 'call':
      if (report.note !== undefined) blocks.push(indentText(report.note, '', options.width));
      blocks.push(...report.answers.map((answer) => renderCall(answer, options)));
      break;
    case 'port':
      blocks.push(...report.answers.map((answer) => renderPort(answer, options)));
      break;
    case 'lines':
      blocks.push(...report.lines.map((line) => renderLine(line, options)));
  }
  blocks.push(
    ...report.unseen.map(({ resource, namespace, reason }) =>
      indentText(
        `not seen: ${resource}${namespace === undefined ? '' : ` in ${namespace}`}: ${reason}`,
        '',
        options.width,
      ),
    ),
  );
  return `${blocks.join('\n\n')}\n`;
}

function renderCall(answer: CallAnswer, options: ExplainTextOptions): string {
  const { width, color } = options;
  const called =
    answer.host === undefined
      ? `the pod's own address, port ${answer.targetPort}`
      : `${answer.host}:${answer.port}, container port ${answer.targetPort}`;
  const server = answer.server === undefined ? answer.serverName : nameWorkload(answer.server.workload);
  const [sign, word, tone] = verdicts[answer.outcome];
  const head = [
    paint(printable(`${nameWorkload(answer.client)} -> ${server}`), 'strong', color),
    indentText(`by ${called}`, '  ', width),
    '',
    `${paint(`${sign} ${word}:`, tone, color)} ${printable(answer.verdict)}`,
  ].join('\n');
  const client = [
    section(`Client: ${dataplaneWords[answer.client.dataplane]}, ${sendsWords[answer.sends]}`, options),
    ...answer.reasons.map((reason) => renderReason(reason, options)),
  ].join('\n');
  const sides = [
    head,
    client,
    ...(answer.server === undefined ? [] : [renderServer(answer.server, options)]),
  ];
  return [...sides, renderLever(answer.lever, answer.outcome === 'mtls', options)].join('\n\n');
}

function renderPort(answer: PortAnswer, options: ExplainTextOptions): string {
  const { workload, port, inbound } = answer.server;
  const tone = inbound.plaintext ? (inbound.mtls ? 'warn' : 'bad') : 'good';
  const head = [
    paint(printable(`${nameWorkload(workload)}, port ${port}`), 'strong', options.color),
    `${paint(inbound.plaintext ? '‼' : '√', tone, options.color)} ${acceptsWords(inbound)}`,
  ].join('\n');
  const callers = (['refused', 'plaintext', 'tls', 'mtls'] as const)
    .filter((outcome) => answer.callers[outcome].length > 0)
    .map((outcome) => {
      const names = answer.callers[outcome];
      const shown = names.slice(0, 5).join(', ');
      const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
      return indentText(`${verdicts[outcome][1].toLowerCase()}: ${shown}${more}`, '  ', options.width);
    });
  const called = [
    section('Callers that were read', options),
    ...(callers.length > 0 ? callers : ['  none: no Service leads here, or there is no other workload']),
  ].join('\n');
  return [
    head,
    renderServer(answer.server, options),
    called,
    renderLever(answer.lever, !inbound.plaintext, options),
  ].join('\n\n');
}

function renderServer(side: ServerSide, options: ExplainTextOptions): string {
  const { workload, inbound } = side;
  const mode = inbound.captured ? `, ${inbound.mode}` : '';
  const lines = [
    section(`Server: ${dataplaneWords[workload.dataplane]}${mode}: ${acceptsWords(inbound)}`, options),
  ];
  if (side.levels.length > 0) {
    const rows = side.levels.map((row) => levelCells(row, side.port));
    const columns = [{ title: 'LEVEL' }, { title: 'SAYS' }, { title: 'POLICY' }, { title: '' }];
    lines.push(renderTable(columns, rows, { ...options, indent: '  ' }));
  }
  lines.push(...side.reasons.map((reason) => renderReason(reason, options)));
  return lines.join('\n');
}

function levelCells(row: LevelRow, port: number): readonly string[] {
  const { level, says, decides, reason } = row;
  const name = level === 'port' ? `port ${port}` : level;
  if (says === undefined) return [name, '-', '', 'nobody speaks for it'];
  const ref = reason?.resource;
  return [
    name,
    says,
    `${ref === undefined ? '' : `${ref.namespace}/${ref.name}`}${place(reason?.origin)}`,
    decides ? '<- decides' : says === 'UNSET' ? 'leaves it open' : 'a closer level decides',
  ];
}

function place(origin: Origin | undefined): string {
  return origin?.line === undefined ? '' : ` (${origin.source}:${origin.line})`;
}

function renderReason(
  { text, resource, field, value, origin, beaten }: Reason,
  options: ExplainTextOptions,
): string {
  const first = indentText(`${beaten === true ? '(does not count) ' : ''}${text}`, '  ', options.width);
  const known = resource === undefined || text.includes(formatRef(resource)) ? [] : [formatRef(resource)];
  const fieldWords =
    field === undefined ? [] : [value === undefined ? field : `${field}: ${value === '' ? '(none)' : value}`];
  const where = [
    ...known,
    ...fieldWords,
    ...(origin?.line === undefined ? [] : [`${origin.source}:${origin.line}`]),
  ];
  if (where.length === 0) return first;
  return `${first}\n${paint(indentText(where.join(', '), '      ', options.width), 'dim', options.color)}`;
}

function renderLever(lever: Lever | undefined, allWell: boolean, options: ExplainTextOptions): string {
  const title = section(allWell ? 'What decides it, and would change it' : 'To change it', options);
  if (lever === undefined) {
    return `${title}\n${indentText('no single field of what was read changes this', '  ', options.width)}`;
  }
  const { text, resource, field, from, to, origin, changes, then } = lever;
  const values = `${from === undefined ? '' : ` from ${from}`}${to === undefined ? (from === undefined ? '' : ' to nothing') : ` to ${to}`}`;
  const lines = [
    title,
    indentText(text, '  ', options.width),
    paint(
      indentText(`${formatRef(resource)}${place(origin)}: ${field}${values}`, '      ', options.width),
      'dim',
      options.color,
    ),
    ...changes.flatMap((change) =>
      printable(formatChange(change).text)
        .split('\n')
        .map((line) => `      ${line}`),
    ),
    indentText(`then: ${then}`, '  ', options.width),
  ];
  return lines.join('\n');
}

function section(title: string, { color }: ExplainTextOptions): string {
  return paint(printable(title), 'strong', color);
}

const wrongWords = {
  client: 'the caller',
  server: 'the server',
  either: 'the caller or the server',
  neither: 'neither: this is not about mutual TLS',
} as const;

function renderLine(report: LineReport, options: ExplainTextOptions): string {
  const { width, color } = options;
  const { symptom, line, count } = report;
  const shown = line.length > 300 ? `${line.slice(0, 300)}...` : line;
  const times = count > 1 ? `${count} lines like ` : '';
  const blocks = [paint(indentText(`${times}${shown}`, '', width), 'dim', color)];
  if (symptom === undefined) {
    blocks.push(
      report.entry === undefined
        ? `${paint('?', 'warn', color)} this line says nothing that is known here about mutual TLS`
        : `${paint('√', 'good', color)} an access log line without a sign of trouble`,
    );
  } else {
    blocks.push(
      [
        `${paint('×', 'bad', color)} ${paint(symptom.title, 'strong', color)}`,
        indentText(`wrong side: ${wrongWords[symptom.wrong]}`, '  ', width),
        indentText(symptom.means, '  ', width),
        '',
        section('Check', options),
        ...symptom.checks.map((check, index) => numbered(index + 1, check, width)),
        ...(symptom.findings.length === 0
          ? []
          : [indentText(`\`padlock check\` names the cause: ${symptom.findings.join(', ')}`, '  ', width)]),
      ].join('\n'),
    );
  }
  blocks.push(...renderParties(report, options));
  blocks.push(...report.answers.map((answer) => renderCall(answer, options)));
  return blocks.join('\n\n');
}

function renderParties(
  { from, to, fromName, toName, entry, note }: LineReport,
  options: ExplainTextOptions,
): readonly string[] {
  const lines: string[] = [];
  if (from !== undefined) lines.push(`caller: ${from}${fromName === undefined ? '' : `, ${fromName}`}`);
  if (to !== undefined)
    lines.push(`called: ${to.name}:${to.port}${toName === undefined ? '' : `, ${toName}`}`);
  if (entry !== undefined) {
    const mutual = entry.serverName?.startsWith('outbound_') === true;
    if (entry.upstreamCluster?.startsWith('outbound|') !== true)
      lines.push(
        mutual ? 'it came in mutual TLS' : `it came in plaintext (no Istio server name), at ${entry.time}`,
      );
  }
  if (note !== undefined) lines.push(note);
  if (lines.length === 0) return [];
  return [
    [section('In this line', options), ...lines.map((line) => indentText(line, '  ', options.width))].join(
      '\n',
    ),
  ];
}

function numbered(number: number, text: string, width: number): string {
  const lines = indentText(text, '     ', width);
  return `  ${String(number)}. ${lines.trimStart()}`;
}
