/** One GET over a byte stream that is already open, such as a port-forward; the stream is closed at the end. */
import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';

const defaultMaxBytes = 128 * 1024 * 1024;

/**
 * @returns the body of a 200
 * @throws Error for any other status, too much of a body, or a stream that breaks; the signal's reason
 */
export async function httpOverStream(
  stream: Duplex,
  options: {
    readonly port: number;
    readonly path: string;
    readonly signal: AbortSignal;
    readonly maxBytes?: number;
  },
): Promise<string> {
  const { port, path, signal, maxBytes = defaultMaxBytes } = options;
  try {
    return await new Promise((resolve, reject) => {
      const call = httpRequest(
        {
          method: 'GET',
          path,
          headers: { host: `localhost:${port}` },
          createConnection: () => stream,
          signal,
        },
        (answer) => {
          const parts: Buffer[] = [];
          let size = 0;
          answer.on('data', (chunk: Buffer) => {
            parts.push(chunk);
            size += chunk.length;
            if (size > maxBytes) answer.destroy(new Error(`more than ${maxBytes} bytes`));
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(parts).toString('utf8');
            if (answer.statusCode === 200) resolve(text);
            else reject(new Error(`it answered ${answer.statusCode}: ${text.trim().split('\n')[0]}`));
          });
        },
      );
      // The stream may fail before the request has taken it over.
      stream.on('error', reject);
      call.on('error', reject);
      call.end();
    });
  } finally {
    stream.destroy();
  }
}
