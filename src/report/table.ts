/** A table of text for a terminal: columns as wide as they need to be, long cells wrapped, nothing cut off. */
import { paint, type Tone } from './style.ts';
import { printable, textWidth, wrapText } from './text-width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cells that the column takes at most, however much room there is. */
  readonly max?: number;
}

/** A cell: plain text, or text with a tone. Line breaks in it are kept. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface TableOptions {
  /** Columns of the terminal; `Infinity` never wraps. */
  readonly width: number;
  readonly color: boolean;
  /** Put before each line; counts towards the width. */
  readonly indent?: string;
}

const gap = '  ';
/** No column is squeezed below this: narrower is unreadable, and wrapping goes on all the same. */
const narrowest = 6;

function cellText(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : (cell?.text ?? '');
}

function cellTone(cell: Cell | undefined): Tone | undefined {
  return typeof cell === 'object' ? cell.tone : undefined;
}

function naturalWidth(text: string): number {
  return Math.max(
    0,
    ...printable(text)
      .split('\n')
      .map((line) => textWidth(line)),
  );
}

/** Takes from the widest column until the row fits, or until every column is as narrow as it may be. */
function squeeze(natural: readonly number[], room: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) break;
    const next = Math.max(narrowest, ...widths.filter((width) => width < widest));
    const atWidest = widths.filter((width) => width === widest).length;
    const step = Math.max(1, Math.min(widest - next, Math.ceil(excess / atWidest)));
    for (const [index, width] of widths.entries()) {
      if (width !== widest || excess <= 0) continue;
      const taken = Math.min(step, excess);
      widths[index] = width - taken;
      excess -= taken;
    }
  }
  return widths;
}

function pad(text: string, width: number, align: 'left' | 'right' | undefined): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

function renderRow(
  columns: readonly Column[],
  widths: readonly number[],
  row: readonly Cell[],
  options: TableOptions,
): readonly string[] {
  const wrapped = columns.map((_, index) => wrapText(cellText(row[index]), widths[index] ?? 1));
  const height = Math.max(1, ...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => {
    const cells = columns.map((column, index) => {
      const text = wrapped[index]?.[line] ?? '';
      const padded = pad(text, widths[index] ?? 0, column.align);
      // Only the text is painted: blanks at a line's end can then be cut.
      return padded.replace(text, () => paint(text, cellTone(row[index]), options.color));
    });
    return `${options.indent ?? ''}${cells.join(gap)}`.trimEnd();
  });
}

/**
 * Renders a table: titles in the first line, one or more lines a row, two blanks between columns, no line ends in a blank.
 * The result has no newline at its end. Cells beyond the columns are ignored; missing ones are empty.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string {
  const natural = columns.map((column, index) => {
    const widest = rows.reduce(
      (width, row) => Math.max(width, naturalWidth(cellText(row[index]))),
      textWidth(column.title),
    );
    return Math.min(widest, column.max ?? Number.POSITIVE_INFINITY);
  });
  const frame = textWidth(options.indent ?? '') + gap.length * Math.max(0, columns.length - 1);
  const widths = squeeze(natural, options.width - frame);
  const header = columns.map((column): Cell => ({ text: column.title, tone: 'strong' }));
  return [header, ...rows].flatMap((row) => renderRow(columns, widths, row, options)).join('\n');
}
