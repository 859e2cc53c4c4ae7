/** Envoy's `/stats`: `name: value` lines. Counters and gauges are kept; histograms (`P0(…)`) and texts are not numbers. */

export type Stats = ReadonlyMap<string, number>;

export function parseStats(text: string): Stats {
  const stats = new Map<string, number>();
  for (const line of text.split('\n')) {
    // A name may hold colons (an IPv6 listener): the value is what follows the last one.
    const colon = line.lastIndexOf(': ');
    if (colon === -1) continue;
    const value = line.slice(colon + 2).trim();
    if (/^-?\d+(\.\d+)?$/.test(value)) stats.set(line.slice(0, colon), Number(value));
  }
  return stats;
}

/** What was added between two readings; a counter that went down was reset by a restart and counts from zero. */
export function statsDelta(before: Stats, after: Stats): Stats {
  const delta = new Map<string, number>();
  for (const [name, value] of after) {
    const earlier = before.get(name) ?? 0;
    const added = value < earlier ? value : value - earlier;
    if (added !== 0) delta.set(name, added);
  }
  return delta;
}
