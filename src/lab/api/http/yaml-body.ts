/** A body in YAML, read as Go's reader takes it: of two fields of one name the last one counts, and both are told. */
import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { badRequest } from '../status.ts';

/** @throws ApiStatus BadRequest where the text is no YAML */
export function readYaml(text: string): { readonly value: unknown; readonly twice: readonly string[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const [mistake] = document.errors;
  if (mistake !== undefined) throw badRequest(`error converting YAML to JSON: yaml: ${mistake.message}`);
  const twice: string[] = [];
  visit(document, {
    Map: (_key, map) => {
      if (!isMap(map)) return;
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const { line } = lines.linePos(key.range?.[0] ?? 0);
        if (seen.has(key.value))
          twice.push(`line ${line}: key ${JSON.stringify(key.value)} already set in map`);
        seen.add(key.value);
      }
    },
  });
  return { value: document.toJS(), twice };
}
