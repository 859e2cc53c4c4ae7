/**
 * What curl says of a connection that the pod's network refused. curl talks to a SOCKS server and would speak of
 * that; in a pod it would have looked the name up and connected itself, so it is told in the words it has for those.
 */
import { randomBytes } from 'node:crypto';
import type { Endpoint } from '../../net/network.ts';

/** The last thing that the pod's network did for this curl. */
export type Attempt =
  | { readonly kind: 'connected'; readonly to: Endpoint }
  | { readonly kind: 'unresolved'; readonly host: string }
  | { readonly kind: 'refused'; readonly host: string; readonly port: number; readonly milliseconds: number };

/** curl's own exit codes. */
const proxyError = 97;
const codes = { unresolved: 6, refused: 7 } as const;

/** @returns curl's exit code as it would be without the SOCKS server. */
export function exitCodeOf(code: number, attempt: Attempt | undefined): number {
  if (code !== proxyError || attempt === undefined || attempt.kind === 'connected') return code;
  return codes[attempt.kind];
}

function messageOf(attempt: Exclude<Attempt, { kind: 'connected' }>): string {
  if (attempt.kind === 'unresolved') return `Could not resolve host: ${attempt.host}`;
  const { host, port, milliseconds } = attempt;
  return `Failed to connect to ${host} port ${port} after ${milliseconds} ms: Couldn't connect to server`;
}

/** Whole lines of curl's standard error, the complaint about the SOCKS server put into a pod's words. */
export function rewriteErrors(text: string, attempt: Attempt | undefined): string {
  if (attempt === undefined || attempt.kind === 'connected') return text;
  return text.replace(/^curl: \(97\) .*$/m, `curl: (${codes[attempt.kind]}) ${messageOf(attempt)}`);
}

/** Variables of `--write-out` that would speak of the SOCKS server. */
const variables = ['exitcode', 'errormsg', 'remote_ip', 'remote_port', 'local_ip', 'local_port'];

export interface WriteOut {
  /** A `--write-out` format whose telling variables are marked. */
  mark(format: string): string;
  /** A filter for one output stream. */
  restorer(): Restorer;
}

export interface Restorer {
  /** Output with the marked values put right; what may be the start of a mark is kept for the next call. */
  restore(chunk: Buffer, attempt: Attempt | undefined): Buffer;
  /** What was kept back, at the end of the output. */
  rest(): Buffer;
}

/** @param ip the pod's address, which is where its curl connects from */
export function createWriteOut(ip: string): WriteOut {
  const begin = Buffer.from(`\u001f${randomBytes(9).toString('hex')}:`);
  let marked = false;
  return {
    mark(format) {
      return format.replace(/%\{(\w+)\}/g, (variable: string, name: string) => {
        if (!variables.includes(name)) return variable;
        marked = true;
        return `${begin}${name}=${variable}\u001f`;
      });
    },
    restorer: () =>
      marked ? markRestorer(begin, ip) : { restore: (chunk) => chunk, rest: () => Buffer.alloc(0) },
  };
}

const markEnd = 0x1f;

function markRestorer(begin: Buffer, ip: string): Restorer {
  let kept: Buffer = Buffer.alloc(0);
  return {
    restore(chunk, attempt) {
      let left = Buffer.concat([kept, chunk]);
      kept = Buffer.alloc(0);
      const out: Buffer[] = [];
      while (left.length > 0) {
        const start = left.indexOf(begin);
        if (start === -1) {
          const tail = partialMark(left, begin);
          out.push(left.subarray(0, left.length - tail));
          kept = left.subarray(left.length - tail);
          break;
        }
        out.push(left.subarray(0, start));
        const stop = left.indexOf(markEnd, start + begin.length);
        if (stop === -1) {
          kept = left.subarray(start);
          break;
        }
        const [name = '', ...value] = left.toString('utf8', start + begin.length, stop).split('=');
        out.push(Buffer.from(valueOfVariable(name, value.join('='), attempt, ip)));
        left = left.subarray(stop + 1);
      }
      return Buffer.concat(out);
    },
    rest: () => kept,
  };
}

/** Length of the longest end of `bytes` that a mark could begin with. */
function partialMark(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}

function valueOfVariable(name: string, value: string, attempt: Attempt | undefined, ip: string): string {
  if (attempt === undefined) return value;
  const failed = attempt.kind !== 'connected';
  const values: Readonly<Record<string, () => string>> = {
    exitcode: () => String(exitCodeOf(Number(value), attempt)),
    errormsg: () => (failed && value !== '' ? messageOf(attempt) : value),
    remote_ip: () => (failed ? '' : attempt.to.ip),
    remote_port: () => (failed ? '0' : String(attempt.to.port)),
    local_ip: () => (failed ? '' : ip),
    local_port: () => value,
  };
  return values[name]?.() ?? value;
}
