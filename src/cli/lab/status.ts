/** `padlock lab status`: what stands of a lab. */
import { ExitCode } from '../../errors.ts';
import { labFolder, labRoot } from '../../lab/daemon/lab-folder.ts';
import { findLab, type LabStanding } from '../../lab/daemon/running-lab.ts';
import type { LabStatusFlags } from '../commands/lab.route.ts';
import type { Context } from '../context.ts';
import { exportLine } from './up-text.ts';

export default async function labStatus(this: Context, { name, output }: LabStatusFlags): Promise<void> {
  const standing = await findLab(labFolder(labRoot(this.env, this.cwd), name));
  const text =
    output === 'json'
      ? `${JSON.stringify(statusJson(name, standing), null, 2)}\n`
      : statusText(name, standing);
  await this.stdout.write(text);
  this.setExitCode(standing.kind === 'running' ? ExitCode.ok : ExitCode.failed);
}

/** The state file without its secret. */
function statusJson(name: string, standing: LabStanding): object {
  if (standing.kind === 'absent') return { name, state: 'absent' };
  const { pid, startedAt, server, context, kubeconfig, mergedInto } = standing.state;
  const facts = standing.kind === 'running' ? standing.facts : {};
  return { name, state: standing.kind, pid, startedAt, server, context, kubeconfig, mergedInto, ...facts };
}

function statusText(name: string, standing: LabStanding): string {
  switch (standing.kind) {
    case 'absent':
      return `No lab "${name}" is running.\n`;
    case 'stale':
      return `Lab "${name}" has ended without a word; \`padlock lab down\` removes what it left.\n`;
    case 'hanging':
      return `Lab "${name}" runs as process ${standing.state.pid} and does not answer; \`padlock lab down\` ends it.\n`;
    case 'running': {
      const { state, facts } = standing;
      const { nodes, pods, sidecars, memoryBytes, uptimeMilliseconds } = facts;
      return [
        `Lab "${name}" is up for ${age(Number(uptimeMilliseconds))}, as process ${state.pid}.`,
        `  API server  ${state.server}`,
        `  context     ${state.context}${state.mergedInto === undefined ? '' : `, also in ${state.mergedInto}`}`,
        `  holds       ${nodes} nodes, ${pods} pods, ${sidecars} of them with a proxy`,
        `  memory      ${Math.round(Number(memoryBytes) / 1e6)} MB`,
        exportLine(state.kubeconfig),
      ].join('\n');
    }
  }
}

function age(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return `${Math.floor(milliseconds / 1000)} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
