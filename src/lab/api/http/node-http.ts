/** Between Node's HTTP and the handlers' requests and answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiStatus } from '../status.ts';
import type { ApiResponse } from './request.ts';

/** The real server's limit for a request body. */
const maxBody = 3 * 1024 * 1024;

/** @throws ApiStatus RequestEntityTooLarge */
export async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > maxBody) {
      throw new ApiStatus('RequestEntityTooLarge', `Request entity too large: limit is ${maxBody}`, {});
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Writes an answer; a stream is written as it comes, and ends early where the client goes away. */
export async function writeResponse(
  outgoing: ServerResponse,
  response: ApiResponse,
  isHead: boolean,
): Promise<void> {
  if (outgoing.destroyed || outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.statusCode = response.status;
  outgoing.setHeader('cache-control', 'no-cache, private');
  for (const [name, value] of Object.entries(response.headers ?? {})) outgoing.setHeader(name, value);
  const warnings = response.warnings ?? [];
  if (warnings.length > 0) {
    outgoing.setHeader(
      'warning',
      warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    );
  }
  const { body } = response;
  if ('json' in body) {
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(isHead ? '' : JSON.stringify(body.json));
    return;
  }
  if (body.type !== '') outgoing.setHeader('content-type', body.type);
  if ('text' in body) {
    outgoing.end(isHead ? '' : body.text);
    return;
  }
  await writeStream(outgoing, body.stream);
}

async function writeStream(outgoing: ServerResponse, stream: AsyncIterable<string | Buffer>): Promise<void> {
  // A watch that has nothing to say yet has begun all the same.
  outgoing.flushHeaders();
  for await (const chunk of stream) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.on('drain', done);
    outgoing.on('close', done);
  });
}
