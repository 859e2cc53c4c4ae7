/** HTTP header fields in order, with names in lower case, as Envoy keeps them. */
export class HeaderList implements Iterable<readonly [string, string]> {
  #fields: (readonly [string, string])[];

  constructor(fields: Iterable<readonly [string, string]> = []) {
    this.#fields = [...fields];
  }

  /** From Node's `rawHeaders`: name, value, name, value. Pseudo-headers of HTTP/2 are left out. */
  static fromRaw(raw: readonly string[]): HeaderList {
    const fields: [string, string][] = [];
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const name = (raw[index] ?? '').toLowerCase();
      if (!name.startsWith(':')) fields.push([name, raw[index + 1] ?? '']);
    }
    return new HeaderList(fields);
  }

  [Symbol.iterator](): Iterator<readonly [string, string]> {
    return this.#fields[Symbol.iterator]();
  }

  /** All values of the field, joined by commas (RFC 9110 §5.3). */
  get(name: string): string | undefined {
    const values = this.#fields.filter(([key]) => key === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(',');
  }

  has(name: string): boolean {
    return this.#fields.some(([key]) => key === name);
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.#fields.push([name, value]);
  }

  add(name: string, value: string): void {
    this.#fields.push([name, value]);
  }

  remove(name: string): void {
    this.#fields = this.#fields.filter(([key]) => key !== name);
  }

  copy(): HeaderList {
    return new HeaderList(this.#fields);
  }

  /** Name, value, name, value: what Node's HTTP/1.1 takes. */
  toRaw(): string[] {
    return this.#fields.flat();
  }

  toMap(): Map<string, string> {
    const map = new Map<string, string>();
    for (const [name, value] of this.#fields) {
      const before = map.get(name);
      map.set(name, before === undefined ? value : `${before},${value}`);
    }
    return map;
  }

  /** What Node's HTTP/2 takes: a list for a field that stands more than once. */
  toRecord(): Record<string, string | string[]> {
    const record: Record<string, string | string[]> = {};
    for (const [name, value] of this.#fields) {
      const before = record[name];
      if (before === undefined) record[name] = value;
      else record[name] = Array.isArray(before) ? [...before, value] : [before, value];
    }
    return record;
  }
}

/** Fields that belong to one connection and are never passed on (RFC 9110 §7.6.1). */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'] as const;

/** Takes out what belongs to one hop alone, the fields that `Connection` names among them. */
export function removeHopByHop(headers: HeaderList): void {
  for (const name of (headers.get('connection') ?? '').split(',')) {
    const field = name.trim().toLowerCase();
    if (field !== '') headers.remove(field);
  }
  for (const name of hopByHop) headers.remove(name);
  const te = headers.get('te');
  if (te !== undefined && te.toLowerCase() !== 'trailers') headers.remove('te');
}
