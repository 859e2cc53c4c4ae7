/** `padlock explain` for programs; the shape is documented in docs/commands/explain.md. */
import type { CallAnswer, Lever, PortAnswer, ServerSide } from '../../mesh/explain/explain.ts';
import { formatChange } from '../fix.ts';
import { type ExplainReport, type LineReport, nameWorkload } from './explain-report.ts';

export function explainDocument(report: ExplainReport): object {
  const rest = {
    ...(report.source === undefined ? {} : { source: report.source }),
    unseen: report.unseen,
  };
  switch (report.kind) {
    case 'call':
      return {
        kind: 'call',
        ...(report.note === undefined ? {} : { note: report.note }),
        answers: report.answers.map(callDocument),
        ...rest,
      };
    case 'port':
      return { kind: 'port', answers: report.answers.map(portDocument), ...rest };
    case 'lines':
      return { kind: 'lines', lines: report.lines.map(lineDocument), ...rest };
  }
}

function callDocument(answer: CallAnswer): object {
  const { client, server, host, port, serverName, targetPort, sends, outcome, verdict, reasons } = answer;
  return {
    client: nameWorkload(client),
    ...(host === undefined ? {} : { host }),
    port,
    server: serverName,
    targetPort,
    sends,
    outcome,
    verdict,
    clientSide: reasons,
    ...(server === undefined ? {} : { serverSide: sideDocument(server) }),
    ...changeDocument(answer.lever),
  };
}

function portDocument({ server, callers, lever }: PortAnswer): object {
  return {
    workload: nameWorkload(server.workload),
    port: server.port,
    ...sideDocument(server),
    callers,
    ...changeDocument(lever),
  };
}

function sideDocument({ workload, inbound, levels, reasons }: ServerSide): object {
  const { mode, mtls, plaintext, captured, scope } = inbound;
  return { dataplane: workload.dataplane, captured, mode, scope, mtls, plaintext, levels, reasons };
}

function changeDocument(lever: Lever | undefined): object {
  if (lever === undefined) return {};
  const { changes, ...rest } = lever;
  return { change: { ...rest, commands: changes.map((change) => formatChange(change).text) } };
}

function lineDocument(report: LineReport): object {
  const { line, count, symptom, side, from, to, fromName, toName, answers, note } = report;
  return {
    line,
    count,
    ...(symptom === undefined
      ? {}
      : {
          symptom: symptom.id,
          title: symptom.title,
          wrongSide: symptom.wrong,
          means: symptom.means,
          checks: symptom.checks,
          findings: symptom.findings,
        }),
    ...(side === undefined ? {} : { loggedBy: side }),
    ...(from === undefined
      ? {}
      : { caller: { address: from, ...(fromName === undefined ? {} : { name: fromName }) } }),
    ...(to === undefined ? {} : { called: { ...to, ...(toName === undefined ? {} : { workload: toName }) } }),
    ...(note === undefined ? {} : { note }),
    answers: answers.map(callDocument),
  };
}
