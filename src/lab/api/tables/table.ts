/** Small parts that the printers of many kinds share: columns from short words, the Name and Age cells, label texts. */
import { type JsonObject, objectAt, objectsAt, stringAt, stringMapAt, stringsAt } from '../json.ts';
import type { TableColumn, TablePrinter } from '../registry/resource.ts';
import { since } from './human-duration.ts';

type Cell = (object: JsonObject, now: Date) => unknown;

/** Columns in order: the header, a type where it is not a string, `wide` where only `-o wide` shows it, and the cell. */
export interface ColumnSpec {
  readonly name: string;
  readonly type?: TableColumn['type'];
  readonly wide?: true;
  readonly cell: Cell;
}

/** A printer of the given columns between Name and Age, as most kinds have them. */
export function namedTable(before: readonly ColumnSpec[], after: readonly ColumnSpec[] = []): TablePrinter {
  return table([nameColumn, ...before, ageColumn, ...after]);
}

export function table(columns: readonly ColumnSpec[]): TablePrinter {
  return {
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type ?? 'string',
      format: column.name === 'Name' ? 'name' : '',
      description: '',
      priority: column.wide === true ? 1 : 0,
    })),
    cells: (object, now) => columns.map((column) => column.cell(object, now)),
  };
}

export const nameColumn: ColumnSpec = {
  name: 'Name',
  cell: (object) => stringAt(objectAt(object, 'metadata'), 'name') ?? '',
};

export const ageColumn: ColumnSpec = {
  name: 'Age',
  cell: (object, now) => since(objectAt(object, 'metadata')?.creationTimestamp, now),
};

/** `a=b,c=d` in the order of keys, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? '<none>' : pairs.map(([key, value]) => `${key}=${value}`).join(',');
}

/** A label selector object as kubectl prints it: `app=x,tier in (a,b)`. */
export function formatSelector(selector: JsonObject | undefined): string {
  if (selector === undefined) return '<none>';
  const terms = Object.entries(stringMapAt(selector, 'matchLabels')).map(([key, value]) => [
    key,
    `${key}=${value}`,
  ]);
  for (const expression of objectsAt(selector, 'matchExpressions')) {
    const key = stringAt(expression, 'key') ?? '';
    const values = stringsAt(expression, 'values').sort().join(',');
    const texts: Readonly<Record<string, string>> = {
      In: `${key} in (${values})`,
      NotIn: `${key} notin (${values})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    terms.push([key, texts[stringAt(expression, 'operator') ?? ''] ?? '<invalid>']);
  }
  if (terms.length === 0) return '<none>';
  return terms
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map(([, text]) => text)
    .join(',');
}

/** `first,second,third + 2 more...`, as endpoints are printed. */
export function listWithMore(items: readonly string[], unset: string): string {
  if (items.length === 0) return unset;
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}

/** The Containers and Images columns of `-o wide`. */
export function containerColumns(
  containersOf: (object: JsonObject) => readonly JsonObject[],
): readonly ColumnSpec[] {
  const join =
    (field: string): Cell =>
    (object) =>
      containersOf(object)
        .map((container) => stringAt(container, field) ?? '')
        .join(',');
  return [
    { name: 'Containers', wide: true, cell: join('name') },
    { name: 'Images', wide: true, cell: join('image') },
  ];
}
