/** `padlock diff` for programs; the shape is documented in docs/commands/diff.md. */
import type { Edge } from '../../mesh/edge.ts';
import type { Inbound } from '../../mesh/inbound.ts';
import { countChanges, type DiffReport, diffFails } from './diff-report.ts';

export function renderDiffJson(report: DiffReport): string {
  const document = {
    tool: 'padlock',
    version: report.version,
    before: report.before,
    after: report.after,
    failOn: report.failOn,
    verdict: diffFails(report) ? 'fails' : 'passes',
    counts: countChanges(report),
    ports: report.ports.map(({ change, workload, port, before, after }) => ({
      change,
      workload,
      port,
      ...(before === undefined ? {} : { before: portDocument(before) }),
      ...(after === undefined ? {} : { after: portDocument(after) }),
    })),
    edges: report.edges.map(({ change, clients, host, port, server, targetPort, before, after }) => ({
      change,
      clients,
      host,
      port,
      server,
      targetPort,
      before: edgeDocument(before),
      ...(after === undefined ? {} : { after: edgeDocument(after) }),
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function portDocument({ mode, mtls, plaintext, captured, because }: Inbound): object {
  return { mode, mtls, plaintext, captured, because };
}

function edgeDocument({ sends, outcome, because }: Edge): object {
  return { sends, outcome, because };
}
