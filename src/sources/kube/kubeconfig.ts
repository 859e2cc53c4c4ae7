/**
 * Kubeconfig files as data: parsing, merging and picking a context, by kubectl's rules
 * (kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig). No file is read here.
 */
import { isAbsolute, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { PadlockError } from '../../errors.ts';
import { asObject, asObjects, asText, type JsonObject } from '../json-value.ts';

/** A kubeconfig's entries by name; paths in them are absolute already. */
export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly contexts: ReadonlyMap<string, JsonObject>;
  readonly clusters: ReadonlyMap<string, JsonObject>;
  readonly users: ReadonlyMap<string, JsonObject>;
  /** Where it was read from, for error sentences. */
  readonly files: readonly string[];
}

/** What a context names: the cluster's and the user's entries, still unread. */
export interface ChosenContext {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly cluster: JsonObject;
  readonly user: JsonObject;
  readonly userName: string;
}

/** Fields of a cluster or user entry that name files, relative to the kubeconfig's own folder. */
const pathFields = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'] as const;

/**
 * Parses one kubeconfig.
 * @param file its absolute path, for messages and for the relative paths in it
 * @throws PadlockError `KUBECONFIG_INVALID` with line and column where the text is not YAML or not a kubeconfig
 */
export function parseKubeconfig(text: string, file: string): Kubeconfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const mistake = document.errors[0];
  if (mistake !== undefined) {
    const { line, col } = lines.linePos(mistake.pos[0]);
    throw new PadlockError('KUBECONFIG_INVALID', `not YAML: ${mistake.message}`, {
      position: { file, line, column: col },
      hint: 'mend the file, or name another one with --kubeconfig',
    });
  }
  const root: unknown = document.toJS();
  if (root === null || root === undefined) return emptyKubeconfig([file]);
  if (typeof root !== 'object' || Array.isArray(root) || ('kind' in root && root.kind !== 'Config')) {
    throw new PadlockError('KUBECONFIG_INVALID', `${file} is not a kubeconfig (kind: Config)`, {
      hint: 'name a kubeconfig file with --kubeconfig',
    });
  }
  const entries = asObject(root);
  return {
    currentContext: asText(entries['current-context']) || undefined,
    contexts: named(entries.contexts, 'context', file),
    clusters: named(entries.clusters, 'cluster', file),
    users: named(entries.users, 'user', file),
    files: [file],
  };
}

export function emptyKubeconfig(files: readonly string[]): Kubeconfig {
  return { currentContext: undefined, contexts: new Map(), clusters: new Map(), users: new Map(), files };
}

function named(list: unknown, field: string, file: string): ReadonlyMap<string, JsonObject> {
  const entries = new Map<string, JsonObject>();
  for (const entry of asObjects(list)) {
    const name = asText(entry.name);
    if (name === undefined) {
      throw new PadlockError('KUBECONFIG_INVALID', `${file}: an entry of ${field}s has no name`);
    }
    if (!entries.has(name)) entries.set(name, absolutePaths(asObject(entry[field]), file));
  }
  return entries;
}

function absolutePaths(entry: JsonObject, file: string): JsonObject {
  const folder = resolve(file, '..');
  const changed: Record<string, unknown> = { ...entry };
  for (const field of pathFields) {
    const path = asText(entry[field]);
    if (path !== undefined && path !== '' && !isAbsolute(path)) changed[field] = resolve(folder, path);
  }
  const exec = asObject(entry.exec);
  const command = asText(exec.command);
  // As kubectl: a command with a slash is relative to the kubeconfig, one without is looked up in PATH.
  if (command?.includes('/') && !isAbsolute(command)) {
    changed.exec = { ...exec, command: resolve(folder, command) };
  }
  return changed;
}

/** Merges kubeconfigs in the order of KUBECONFIG: the first entry of a name, and the first current context, stay. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const first = (pick: (config: Kubeconfig) => ReadonlyMap<string, JsonObject>) =>
    new Map(configs.toReversed().flatMap((config) => [...pick(config)]));
  return {
    currentContext: configs.find((config) => config.currentContext !== undefined)?.currentContext,
    contexts: first((config) => config.contexts),
    clusters: first((config) => config.clusters),
    users: first((config) => config.users),
    files: configs.flatMap((config) => config.files),
  };
}

/**
 * Picks the context that was asked for, or the current one, with another cluster or user where that was asked for.
 * @throws PadlockError `CONTEXT_UNKNOWN` naming the known ones, `KUBECONFIG_INVALID` where it points at nothing
 */
export function chooseContext(
  config: Kubeconfig,
  wanted: string | undefined,
  instead: { readonly cluster?: string | undefined; readonly user?: string | undefined } = {},
): ChosenContext {
  const name = wanted ?? config.currentContext;
  const known = [...config.contexts.keys()].toSorted();
  const hint =
    known.length === 0
      ? `${config.files.join(', ')} holds no contexts; name a kubeconfig file with --kubeconfig`
      : `known contexts: ${known.join(', ')}; choose one with --context`;
  if (name === undefined && !instead.cluster) {
    throw new PadlockError('CONTEXT_UNKNOWN', 'the kubeconfig has no current context', { hint });
  }
  const context = name === undefined ? {} : config.contexts.get(name);
  if (context === undefined) {
    throw new PadlockError('CONTEXT_UNKNOWN', `there is no context "${name}" in the kubeconfig`, { hint });
  }
  const entries = {
    cluster: instead.cluster || asText(context.cluster) || '',
    user: instead.user || asText(context.user) || '',
  };
  const missing = (what: 'cluster' | 'user'): PadlockError =>
    instead[what]
      ? unknownEntry(config, what, entries[what])
      : pointsAtNothing(config, name, what, entries[what]);
  const cluster = config.clusters.get(entries.cluster);
  if (cluster === undefined) throw missing('cluster');
  const user = entries.user === '' ? {} : config.users.get(entries.user);
  if (user === undefined) throw missing('user');
  return {
    name: name ?? entries.cluster,
    namespace: asText(context.namespace) || undefined,
    cluster,
    user,
    userName: entries.user,
  };
}

function unknownEntry(config: Kubeconfig, what: 'cluster' | 'user', name: string): PadlockError {
  const known = [...config[`${what}s`].keys()].toSorted();
  return new PadlockError('CONTEXT_UNKNOWN', `there is no ${what} "${name}" in the kubeconfig`, {
    hint: known.length === 0 ? `it names no ${what}s` : `known ${what}s: ${known.join(', ')}`,
  });
}

function pointsAtNothing(
  config: Kubeconfig,
  context: string | undefined,
  what: string,
  name: string,
): PadlockError {
  return new PadlockError(
    'KUBECONFIG_INVALID',
    `context "${context ?? ''}" names the ${what} "${name}", which is not in ${config.files.join(', ')}`,
    { hint: `add the ${what}, or choose another context with --context` },
  );
}
