/**
 * The arguments of a curl in a container, made fit for the host's curl: files are the container's, connections go
 * through the pod's network, and what would lead past it is taken away or refused in words. Pure.
 */
import type { CurlOptions, ValueKind } from './curl-options.ts';

export interface CurlPlan {
  readonly args: readonly string[];
  /** `--resolve HOST:PORT:ADDRESS`: `host:port` to the address; honoured by the pod's network. */
  readonly resolve: ReadonlyMap<string, string>;
}

/** An option that has no meaning in a pod of the lab: a sentence for the person. */
export class CurlRefusal extends Error {
  override readonly name = 'CurlRefusal';
}

/** Options that lead out of the virtual network, or read options from where they cannot be looked at. */
const refusedOptions: ReadonlySet<string> = new Set([
  'config',
  'unix-socket',
  'abstract-unix-socket',
  'interface',
  'dns-interface',
  'dns-ipv4-addr',
  'dns-ipv6-addr',
  'dns-servers',
  'doh-url',
  'preproxy',
  'socks4',
  'socks4a',
  'socks5',
  'socks5-hostname',
  'ipfs-gateway',
  'parallel-immediate',
]);

/** Options without effect in a pod, which has no proxy to leave out. */
const dropped: ReadonlySet<string> = new Set(['noproxy']);

interface Option {
  readonly name: string;
  readonly kind: ValueKind;
  readonly value: string | undefined;
}

/**
 * @param argv curl's arguments, without `curl`
 * @param network the arguments that lead each operation through the pod's network
 * @param locate the host's path of a container's file
 * @throws CurlRefusal
 */
export function planCurl(
  argv: readonly string[],
  options: CurlOptions,
  network: readonly string[],
  locate: (path: string) => string,
): CurlPlan {
  const args: string[] = [];
  const resolve = new Map<string, string>();
  let complete = true;
  const put = (option: Option): void => {
    const { name, kind, value } = option;
    if (refusedOptions.has(name)) throw new CurlRefusal(`option --${name} is not supported in the lab`);
    if (dropped.has(name)) return;
    if (name === 'resolve') {
      addResolve(resolve, value ?? '');
      return;
    }
    if (name === 'next') args.push(...network);
    args.push(`--${name}`);
    if (kind === 'flag') return;
    if (value === undefined) complete = false;
    else args.push(mapValue(kind, value, locate));
  };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word.startsWith('--') && word.length > 2) {
      const option = longOption(word.slice(2), options, argv[index + 1]);
      if (option.kind !== 'flag') index += 1;
      put(option);
    } else if (word.startsWith('-') && word.length > 1 && !word.startsWith('--')) {
      const taken = shortOptions(word.slice(1), options, argv[index + 1]);
      if (taken.tookNext) index += 1;
      for (const option of taken.options) put(option);
    } else args.push(word);
  }
  // An option that lacks its value is curl's to complain of: nothing may follow that it could take for it.
  return { args: complete ? [...args, ...network] : args, resolve };
}

/** Long options may be cut as far as they stay unambiguous, and negated with `no-`. */
function longOption(written: string, options: CurlOptions, next: string | undefined): Option {
  const exact = options.long.get(written);
  const matches = [...options.long.keys()].filter((name) => name.startsWith(written));
  const name = exact !== undefined ? written : matches.length === 1 ? (matches[0] ?? written) : written;
  const kind = options.long.get(name) ?? 'flag';
  return { name, kind, value: kind === 'flag' ? undefined : next };
}

/** `-sSo /dev/null`: letters in one word, the last of which may have its value in the word or after it. */
function shortOptions(
  letters: string,
  options: CurlOptions,
  next: string | undefined,
): { readonly options: readonly Option[]; readonly tookNext: boolean } {
  const found: Option[] = [];
  for (let index = 0; index < letters.length; index += 1) {
    const letter = letters[index] ?? '';
    // `-:` is `--next`; help lists it as such, or curl itself says that it does not know the letter.
    const name = options.short.get(letter);
    if (name === undefined) throw new CurlRefusal(`option -${letter}: is unknown`);
    const kind = options.long.get(name) ?? 'flag';
    if (kind === 'flag') {
      found.push({ name, kind, value: undefined });
      continue;
    }
    const rest = letters.slice(index + 1);
    found.push({ name, kind, value: rest === '' ? next : rest });
    return { options: found, tookNext: rest === '' };
  }
  return { options: found, tookNext: false };
}

const streams: ReadonlySet<string> = new Set([
  '-',
  '.',
  '%',
  '/dev/null',
  '/dev/stdout',
  '/dev/stderr',
  '/dev/stdin',
]);

function mapValue(kind: ValueKind, value: string, locate: (path: string) => string): string {
  const file = (path: string): string => (streams.has(path) ? path : locate(path));
  if (kind === 'file') return file(value);
  if (kind === 'data') return mapData(value, file);
  if (kind === 'cookie') return value === '' || value.includes('=') ? value : file(value);
  if (kind === 'form') {
    return value.replace(
      /^([^=]*=)([@<])([^;]*)/,
      (_all, name: string, mark: string, path: string) => `${name}${mark}${file(path)}`,
    );
  }
  return value;
}

/** `@file`, and for --data-urlencode `name@file`. */
function mapData(value: string, file: (path: string) => string): string {
  const match = /^([\w.-]*)@(.+)$/s.exec(value);
  // `user@host` in a header or a body is text: only a leading @ is a file everywhere.
  if (match === null || match[1] !== '') return value;
  return `@${file(match[2] ?? '')}`;
}

/** `[+-]HOST:PORT:ADDRESS[,ADDRESS]`. */
function addResolve(resolve: Map<string, string>, value: string): void {
  const match = /^\+?([^:]+):(\d+):\[?([^,\]]+)/.exec(value);
  if (match === null) return;
  resolve.set(`${match[1]?.toLowerCase()}:${match[2]}`, match[3] ?? '');
}
