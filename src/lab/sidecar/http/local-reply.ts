/** Answers that Envoy gives itself, without asking anybody upstream. */
import type { Exchange } from './exchange.ts';
import { HeaderList } from './header-list.ts';

/** @param headers go out besides those of the body. @returns the bytes of the body. */
export function sendLocalReply(
  exchange: Exchange,
  status: number,
  body: string,
  headers: HeaderList,
): number {
  const bytes = Buffer.from(body);
  const fields = new HeaderList();
  if (bytes.length > 0) {
    fields.set('content-length', String(bytes.length));
    fields.set('content-type', 'text/plain');
  } else {
    fields.set('content-length', '0');
  }
  for (const [name, value] of headers) fields.add(name, value);
  const sink = exchange.respond(status, fields);
  if (exchange.method !== 'HEAD') sink.write(bytes);
  exchange.end(new HeaderList());
  // What the client still sends is read and dropped, so that HTTP/1.1 stays in step.
  exchange.body.resume();
  return exchange.method === 'HEAD' ? 0 : bytes.length;
}
