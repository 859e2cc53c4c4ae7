/** `padlock guard status` for a terminal. */
import type { GuardStatus } from '../rollout/guard/guard-status.ts';
import type { Standing } from '../rollout/guard/standing.ts';
import { type Cell, renderTable, type TableOptions } from './table.ts';

/** Every part in place and refusing, and nothing weak without an exception that holds. */
export function guardHolds({ action, parts, standing }: GuardStatus): boolean {
  return action === 'deny' && parts.every(({ state }) => state === 'in place') && standing.every(isExcused);
}

function isExcused({ owner, until, expired }: Standing): boolean {
  return owner !== undefined && until !== undefined && !expired;
}

export function renderGuardStatus(status: GuardStatus, options: TableOptions): string {
  const { namespace, installed, action, parts, standing } = status;
  const head = installed
    ? `Guard of namespace ${namespace}: ${action ?? 'no binding'}${action === 'audit' ? ' (warns, refuses nothing)' : ''}\n`
    : `Namespace ${namespace} has no guard.\n`;
  const partTable = renderTable(
    [{ title: 'PART' }, { title: 'STATE' }, { title: 'GUARDS' }],
    parts.map(({ part, state, guards, warnings }): Cell[] => [
      part,
      { text: state, tone: state === 'in place' ? 'good' : 'bad' },
      [guards, ...warnings].join('\n'),
    ]),
    options,
  );
  const stands =
    standing.length === 0
      ? 'Nothing weak stands.\n'
      : `${installed ? 'Stands in spite of it' : 'Weak today'}:\n${renderTable(
          [{ title: 'RESOURCE' }, { title: 'WEAKNESS' }, { title: 'EXCEPTION' }],
          standing.map((one): Cell[] => [one.resource, one.weakness ?? '', exceptionCell(one)]),
          options,
        )}\n`;
  return `${head}${installed ? `\n${partTable}\n` : ''}\n${stands}`;
}

function exceptionCell(standing: Standing): Cell {
  const { owner, until, expired } = standing;
  if (owner === undefined || until === undefined) return { text: 'none', tone: 'bad' };
  return { text: `${owner}, until ${until}${expired ? ' (over)' : ''}`, tone: expired ? 'bad' : 'good' };
}
