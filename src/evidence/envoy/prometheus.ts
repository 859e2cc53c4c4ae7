/** The Prometheus text format (prometheus.io/docs/instrumenting/exposition_formats), the part that counters need. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Parses samples; comments and lines that are none are passed over.
 * @param only keeps samples whose name it accepts; the others are not parsed further, which matters with 600 kB of text
 */
export function parsePrometheus(
  text: string,
  only: (name: string) => boolean = () => true,
): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
    if (name === undefined || !only(name)) continue;
    const rest = line.slice(name.length);
    const labels = rest.startsWith('{') ? parseLabels(rest) : { labels: {}, end: 0 };
    if (labels === undefined) continue;
    const value = parseValue(rest.slice(labels.end).trim().split(/\s+/)[0] ?? '');
    if (value !== undefined) samples.push({ name, labels: labels.labels, value });
  }
  return samples;
}

function parseLabels(
  text: string,
): { readonly labels: Readonly<Record<string, string>>; readonly end: number } | undefined {
  const labels: Record<string, string> = {};
  const label = /[{,]\s*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/y;
  for (let match = label.exec(text); match !== null; match = label.exec(text)) {
    const [whole, name = '', value = ''] = match;
    labels[name] = value.replace(/\\(.)/g, (_all, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    const end = match.index + whole.length;
    const close = /\s*,?\s*\}/y;
    close.lastIndex = end;
    if (close.test(text)) return { labels, end: close.lastIndex };
  }
  return /^\{\s*\}/.test(text) ? { labels, end: text.indexOf('}') + 1 } : undefined;
}

function parseValue(text: string): number | undefined {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}
