/** Tables of custom resources: Name, then the CRD's additionalPrinterColumns, or Age where it has none. */
import { isObject, type JsonObject, numberAt, stringAt } from '../json.ts';
import type { TableColumn, TablePrinter } from '../registry/resource.ts';
import { since } from './human-duration.ts';
import { nameColumn, namedTable } from './table.ts';

const columnTypes: readonly TableColumn['type'][] = ['string', 'integer', 'number', 'boolean', 'date'];

/** @returns the printer that the columns of a CRD's version ask for. */
export function crdTable(columns: readonly JsonObject[]): TablePrinter {
  if (columns.length === 0) return namedTable([]);
  const definitions = columns.map((column): TableColumn => {
    const type = columnTypes.find((one) => one === column.type) ?? 'string';
    const jsonPath = stringAt(column, 'jsonPath') ?? '';
    return {
      name: stringAt(column, 'name') ?? '',
      type,
      format: stringAt(column, 'format') ?? '',
      description:
        stringAt(column, 'description') ??
        `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      priority: numberAt(column, 'priority') ?? 0,
    };
  });
  const steps = columns.map((column) => parsePath(stringAt(column, 'jsonPath') ?? ''));
  return {
    columns: [
      { name: nameColumn.name, type: 'string', format: 'name', description: '', priority: 0 },
      ...definitions,
    ],
    cells: (object, now) => [
      nameColumn.cell(object, now),
      ...definitions.map((definition, index) =>
        cell(definition.type, follow(object, steps[index] ?? []), now),
      ),
    ],
  };
}

/** The simple JSON paths that CRDs may use: `.spec.mtls.mode`, `.spec.hosts[0]`, `['a.b']`, `.conditions[?(@.type=="Ready")].status`. */
type Step =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly all: true }
  | { readonly where: string; readonly equals: string };

const stepPattern =
  /\.([A-Za-z0-9_\-\\./]+?)(?=[.[]|$)|\[['"]([^'"]+)['"]\]|\[(\d+)\]|\[(\*)\]|\[\?\(@\.([\w.-]+)\s*==\s*['"]([^'"]*)['"]\)\]/g;

function parsePath(path: string): readonly Step[] {
  return [...path.matchAll(stepPattern)].map((match): Step => {
    if (match[5] !== undefined) return { where: match[5], equals: match[6] ?? '' };
    if (match[4] !== undefined) return { all: true };
    if (match[3] !== undefined) return { index: Number(match[3]) };
    return { field: (match[2] ?? match[1] ?? '').replaceAll('\\', '') };
  });
}

/** The first value at the path: columns print one. */
function follow(value: unknown, steps: readonly Step[]): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if ('field' in step) return isObject(value) ? follow(value[step.field], rest) : undefined;
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  if ('index' in step) return follow(items[step.index], rest);
  const chosen =
    'all' in step
      ? items
      : items.filter(
          (item) => isObject(item) && String(follow(item, parsePath(`.${step.where}`))) === step.equals,
        );
  for (const item of chosen) {
    const found = follow(item, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}

function cell(type: TableColumn['type'], value: unknown, now: Date): unknown {
  if (value === undefined || value === null) return null;
  if (type === 'date') return since(value, now);
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  if (type === 'boolean') return typeof value === 'boolean' ? value : null;
  return typeof value === 'number' ? value : null;
}
