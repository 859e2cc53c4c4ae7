/** What a step of the conformance suite is, and short ways to write one. */

export type Step =
  | {
      readonly name: string;
      readonly kubectl: readonly string[];
      readonly stdin?: string;
      /** Asked again until the answer has this: what a real server does a moment later. */
      readonly until?: RegExp;
    }
  | {
      readonly name: string;
      readonly http: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
      readonly path: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly until?: RegExp;
    };

/** Steps that are asked in order, in namespaces that no other group uses: groups may run side by side. */
export interface StepGroup {
  readonly name: string;
  readonly namespaces: readonly string[];
  readonly steps: readonly Step[];
}

/** A kubectl command line; words in single quotes may hold spaces. */
export function kubectl(name: string, line: string, stdin?: string): Step {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((found) => found[1] ?? found[2] ?? '');
  return { name, kubectl: words, ...(stdin === undefined ? {} : { stdin }) };
}

export function get(name: string, path: string, headers: Readonly<Record<string, string>> = {}): Step {
  return { name, http: 'GET', path, headers };
}

/** Sends JSON; `type` for the media types of patches. */
export function send(
  name: string,
  http: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body: unknown,
  type = 'application/json',
): Step {
  return { name, http, path, headers: { 'content-type': type }, body: JSON.stringify(body) };
}

/** Creates without storing: the answer is the whole object with its defaults, or the whole refusal. */
export function tried(name: string, path: string, object: unknown): Step {
  return send(name, 'POST', `${path}?dryRun=All`, object);
}
