/** The exact line of every field that an explanation names, where it was read from a file. */
import type { CallAnswer, Lever, PortAnswer, ServerSide } from '../mesh/explain/explain.ts';
import type { Reason } from '../mesh/reason.ts';
import type { Origin } from '../mesh/snapshot.ts';
import type { ExplainReport } from '../report/explain/explain-report.ts';
import type { Context } from './context.ts';
import { type SourcePlaces, withSourcePlaces } from './source-places.ts';

/** The same report; an origin names its field's line instead of its object's first. */
export function placeExplanation(report: ExplainReport, context: Context): Promise<ExplainReport> {
  return withSourcePlaces(context, (places) => placed(report, new Placer(places)));
}

async function placed(report: ExplainReport, placer: Placer): Promise<ExplainReport> {
  switch (report.kind) {
    case 'call':
      return { ...report, answers: await all(report.answers, (answer) => placer.call(answer)) };
    case 'port':
      return { ...report, answers: await all(report.answers, (answer) => placer.port(answer)) };
    case 'lines':
      return {
        ...report,
        lines: await all(report.lines, async (line) => ({
          ...line,
          answers: await all(line.answers, (answer) => placer.call(answer)),
        })),
      };
  }
}

/** One after the other: they share open files. */
async function all<Item, Result>(
  items: readonly Item[],
  change: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await change(item));
  return results;
}

class Placer {
  private readonly places: SourcePlaces;

  constructor(places: SourcePlaces) {
    this.places = places;
  }

  async call(answer: CallAnswer): Promise<CallAnswer> {
    return {
      ...answer,
      reasons: await this.reasons(answer.reasons),
      ...(answer.server === undefined ? {} : { server: await this.side(answer.server) }),
      ...(answer.lever === undefined ? {} : { lever: await this.lever(answer.lever) }),
    };
  }

  async port(answer: PortAnswer): Promise<PortAnswer> {
    return {
      ...answer,
      server: await this.side(answer.server),
      ...(answer.lever === undefined ? {} : { lever: await this.lever(answer.lever) }),
    };
  }

  private async side(side: ServerSide): Promise<ServerSide> {
    return {
      ...side,
      reasons: await this.reasons(side.reasons),
      levels: await all(side.levels, async (level) => {
        const [reason] = level.reason === undefined ? [] : await this.reasons([level.reason]);
        return { ...level, ...(reason === undefined ? {} : { reason }) };
      }),
    };
  }

  private reasons(reasons: readonly Reason[]): Promise<readonly Reason[]> {
    return all(reasons, async (reason) => ({
      ...reason,
      ...(reason.origin === undefined ? {} : { origin: await this.exact(reason.origin, reason.field) }),
    }));
  }

  private async lever(lever: Lever): Promise<Lever> {
    return lever.origin === undefined
      ? lever
      : { ...lever, origin: await this.exact(lever.origin, lever.field) };
  }

  private async exact(origin: Origin, field: string | undefined): Promise<Origin> {
    const place = await this.places.of(origin, field?.replace(/\["([^"]+)"\]/g, '.$1'));
    return place === undefined ? origin : { ...origin, line: place.line };
  }
}
