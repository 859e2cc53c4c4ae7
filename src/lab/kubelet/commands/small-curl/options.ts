/** The options of the lab's own small curl: those that people type and Padlock's probes need. Pure. */

export interface SmallCurlOptions {
  readonly urls: readonly string[];
  readonly version: boolean;
  readonly silent: boolean;
  readonly showError: boolean;
  readonly fail: boolean;
  /** Print the response's head as well. */
  readonly include: boolean;
  readonly insecure: boolean;
  readonly location: boolean;
  readonly method: string;
  readonly headers: readonly string[];
  readonly body: string | undefined;
  readonly userAgent: string | undefined;
  /** Files by the position of their URL; absent: standard output. */
  readonly outputs: readonly string[];
  readonly writeOut: string;
  /** 0 for none. */
  readonly maxTimeMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
}

/** An option that the small curl does not know, or cannot read: the sentence after `curl: `. */
export class SmallCurlRefusal extends Error {
  override readonly name = 'SmallCurlRefusal';
}

type Draft = { -readonly [Key in keyof SmallCurlOptions]: SmallCurlOptions[Key] };
type Flag = (draft: Draft) => void;
type Valued = (draft: Draft, value: string) => void;

const nothing: Flag = () => undefined;

const flags: Readonly<Record<string, Flag>> = {
  silent: (draft) => {
    draft.silent = true;
  },
  'show-error': (draft) => {
    draft.showError = true;
  },
  fail: (draft) => {
    draft.fail = true;
  },
  include: (draft) => {
    draft.include = true;
  },
  head: (draft) => {
    draft.method = 'HEAD';
    draft.include = true;
  },
  insecure: (draft) => {
    draft.insecure = true;
  },
  location: (draft) => {
    draft.location = true;
  },
  version: (draft) => {
    draft.version = true;
  },
  // It speaks HTTP/1.1, shows no progress, and knows IPv4 only.
  'http1.1': nothing,
  ipv4: nothing,
  'no-progress-meter': nothing,
  'retry-all-errors': nothing,
  'retry-connrefused': nothing,
};

const valued: Readonly<Record<string, Valued>> = {
  request: (draft, value) => {
    draft.method = value;
  },
  header: (draft, value) => {
    draft.headers = [...draft.headers, value];
  },
  data: addBody,
  'data-raw': addBody,
  'data-binary': addBody,
  json: (draft, value) => {
    addBody(draft, value);
    draft.headers = [...draft.headers, 'Content-Type: application/json', 'Accept: application/json'];
  },
  'user-agent': (draft, value) => {
    draft.userAgent = value;
  },
  output: (draft, value) => {
    draft.outputs = [...draft.outputs, value];
  },
  'write-out': (draft, value) => {
    draft.writeOut = value;
  },
  'max-time': (draft, value) => {
    draft.maxTimeMs = seconds('max-time', value);
  },
  'connect-timeout': nothing,
  retry: (draft, value) => {
    draft.retries = seconds('retry', value) / 1000;
  },
  'retry-delay': (draft, value) => {
    draft.retryDelayMs = seconds('retry-delay', value);
  },
  url: (draft, value) => {
    draft.urls = [...draft.urls, value];
  },
};

const short: Readonly<Record<string, string>> = {
  s: 'silent',
  S: 'show-error',
  f: 'fail',
  i: 'include',
  I: 'head',
  k: 'insecure',
  L: 'location',
  V: 'version',
  4: 'ipv4',
  X: 'request',
  H: 'header',
  d: 'data',
  A: 'user-agent',
  o: 'output',
  w: 'write-out',
  m: 'max-time',
};

function addBody(draft: Draft, value: string): void {
  draft.body = draft.body === undefined ? value : `${draft.body}&${value}`;
  if (draft.method === 'GET') draft.method = 'POST';
}

function seconds(name: string, value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) {
    throw new SmallCurlRefusal(`option --${name}: expected a proper numerical parameter`);
  }
  return Number(value) * 1000;
}

/** @param argv without `curl` @throws SmallCurlRefusal */
export function parseSmallCurl(argv: readonly string[]): SmallCurlOptions {
  const draft: Draft = {
    urls: [],
    version: false,
    silent: false,
    showError: false,
    fail: false,
    include: false,
    insecure: false,
    location: false,
    method: 'GET',
    headers: [],
    body: undefined,
    userAgent: undefined,
    outputs: [],
    writeOut: '',
    maxTimeMs: 0,
    retries: 0,
    retryDelayMs: 1000,
  };
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word.startsWith('--') && word.length > 2) apply(draft, word.slice(2), word, words);
    else if (word.startsWith('-') && word.length > 1) applyLetters(draft, word.slice(1), words);
    else draft.urls = [...draft.urls, word];
  }
  return draft;
}

/** `-sSo FILE`: letters in one word, the last of which may have its value in the word or after it. */
function applyLetters(draft: Draft, letters: string, words: string[]): void {
  const [letter = '', ...rest] = letters;
  const name = short[letter] ?? '';
  if (name in valued && rest.length > 0) words.unshift(rest.join(''));
  apply(draft, name, `-${letter}`, words);
  if (!(name in valued) && rest.length > 0) applyLetters(draft, rest.join(''), words);
}

function apply(draft: Draft, name: string, written: string, words: string[]): void {
  const flag = flags[name];
  const setter = valued[name];
  if (flag !== undefined) {
    flag(draft);
    return;
  }
  if (setter === undefined) {
    throw new SmallCurlRefusal(
      `option ${written}: is unknown to the lab's own small curl; install curl on this machine for all of them`,
    );
  }
  const value = words.shift();
  if (value === undefined) throw new SmallCurlRefusal(`option ${written}: requires parameter`);
  setter(draft, value);
}
