/** What the types and fields of built-in kinds mean, in the API's own sentences: for `kubectl explain` (data made by scripts/kubernetes-words.ts). */

/** The sentence about a field, and the values that it may have. */
export interface FieldWords {
  readonly description: string;
  readonly values: readonly string[] | undefined;
}

export interface Words {
  /** `core.v1.Pod` -> its sentence; empty where there is none */
  type(typeName: string): string;
  field(typeName: string, field: string): FieldWords | undefined;
}

type Fields = Readonly<Record<string, string | readonly [description: string, values: readonly string[]]>>;
type Data = Readonly<Record<string, readonly [type: string, fields: Fields]>>;

/** Half a megabyte: read when a document is first asked for. */
export async function loadWords(): Promise<Words> {
  const { default: json } = await import('./kubernetes-words.json', { with: { type: 'json' } });
  // The compiler sees lists where the data has pairs.
  const data = json as unknown as Data;
  return {
    type: (typeName) => data[typeName]?.[0] ?? '',
    field: (typeName, field) => {
      const fields = data[typeName]?.[1] ?? {};
      const found = Object.hasOwn(fields, field) ? fields[field] : undefined;
      if (found === undefined) return undefined;
      return typeof found === 'string'
        ? { description: found, values: undefined }
        : { description: found[0], values: found[1] };
    },
  };
}
