/** The lab's own small curl, for machines that have none: HTTP/1.1 on the pod's network, in curl's words. */

import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type Command, type CommandContext, exit, say, write } from '../command.ts';
import { parseSmallCurl, type SmallCurlOptions, SmallCurlRefusal } from './options.ts';
import { agentName, dial, TransferFailure, type Transferred, transfer } from './transfer.ts';

export const smallCurl: Command = async (context) => {
  let options: SmallCurlOptions;
  try {
    options = parseSmallCurl(context.argv.slice(1));
  } catch (error) {
    if (!(error instanceof SmallCurlRefusal)) throw error;
    await say(context.stderr, `curl: ${error.message}`);
    return exit.usage;
  }
  if (options.version) {
    await say(context.stdout, `${agentName.replace('/', ' ')} (padlock lab)\nProtocols: http https telnet`);
    return exit.ok;
  }
  if (options.urls.length === 0) {
    await say(context.stderr, 'curl: (2) no URL specified');
    return exit.usage;
  }
  let code: number = exit.ok;
  for (const [index, url] of options.urls.entries()) {
    code = await fetchOne(context, options, url, options.outputs[index]);
  }
  return context.signal.aborted ? exit.terminated : code;
};

async function fetchOne(
  context: CommandContext,
  options: SmallCurlOptions,
  written: string,
  output: string | undefined,
): Promise<number> {
  let status = 0;
  let code = 0;
  try {
    const url = urlOf(written);
    if (url.protocol === 'telnet:') await listen(context, options, url);
    else {
      const { response, body } = await patiently(context, options, url);
      status = response.statusCode ?? 0;
      if (options.fail && status >= 400) {
        throw new TransferFailure(22, `The requested URL returned error: ${status}`);
      }
      await deliver(context, output, options.include ? Buffer.concat([headOf(response), body]) : body);
    }
  } catch (error) {
    if (!(error instanceof TransferFailure)) throw error;
    code = error.code;
    if (!options.silent || options.showError) await say(context.stderr, `curl: (${code}) ${error.message}`);
  }
  await write(context.stdout, writeOutText(options.writeOut, status, code));
  return code;
}

/** @throws TransferFailure */
function urlOf(written: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`;
  if (!URL.canParse(text)) throw new TransferFailure(3, 'URL rejected: Malformed input to a URL function');
  const url = new URL(text);
  if (['http:', 'https:', 'telnet:'].includes(url.protocol)) return url;
  throw new TransferFailure(1, `Protocol "${url.protocol.slice(0, -1)}" not supported`);
}

/** With the retries and redirects that were asked for. @throws TransferFailure */
async function patiently(
  context: CommandContext,
  options: SmallCurlOptions,
  first: URL,
): Promise<Transferred> {
  let url = first;
  for (let hops = 0; ; hops += 1) {
    const answer = await withRetries(context, options, url);
    const { statusCode = 0, headers } = answer.response;
    const leads = options.location && statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
    if (leads === undefined) return answer;
    if (hops === 50) throw new TransferFailure(47, 'Maximum (50) redirects followed');
    url = new URL(leads, url);
  }
}

async function withRetries(
  context: CommandContext,
  options: SmallCurlOptions,
  url: URL,
): Promise<Transferred> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await transfer(context, options, url);
    } catch (error) {
      const isLast = attempt >= options.retries || context.signal.aborted;
      if (isLast || !(error instanceof TransferFailure)) throw error;
      await wait(options.retryDelayMs);
    }
  }
}

/** `telnet://`: what the server says, until it or the time is done. @throws TransferFailure */
async function listen(context: CommandContext, { maxTimeMs }: SmallCurlOptions, url: URL): Promise<void> {
  const socket: Socket = await dial(context, url, performance.now());
  let isLate = false;
  const stop = (): void => {
    socket.destroy();
  };
  const giveUp = (): void => {
    isLate = true;
    stop();
  };
  const timeout = maxTimeMs > 0 ? setTimeout(giveUp, maxTimeMs) : undefined;
  context.signal.addEventListener('abort', stop);
  try {
    for await (const chunk of socket) await write(context.stdout, chunk);
  } catch (error) {
    if (!isLate && !context.signal.aborted) {
      if (!(error instanceof Error)) throw error;
      throw new TransferFailure(56, 'Recv failure: Connection reset by peer');
    }
  } finally {
    clearTimeout(timeout);
    context.signal.removeEventListener('abort', stop);
    socket.destroy();
  }
  if (isLate) throw new TransferFailure(28, 'Time-out');
}

function headOf(response: Transferred['response']): Buffer {
  const lines = [`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage ?? ''}`];
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    lines.push(`${response.rawHeaders[index]}: ${response.rawHeaders[index + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

async function deliver(context: CommandContext, output: string | undefined, bytes: Buffer): Promise<void> {
  if (output === '/dev/null') return;
  if (output === undefined || output === '-') await write(context.stdout, bytes);
  else await writeFile(context.files.locate(output, context.workingDirectory), bytes, { mode: 0o600 });
}

function writeOutText(format: string, status: number, code: number): string {
  const values: Readonly<Record<string, string>> = {
    http_code: String(status).padStart(3, '0'),
    response_code: String(status).padStart(3, '0'),
    exitcode: String(code),
  };
  return format
    .replace(/%\{(\w+)\}/g, (_all, name: string) => values[name] ?? '')
    .replace(/\\([nrt])/g, (_all, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter] ?? '');
}
