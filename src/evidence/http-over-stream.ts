/** GETs over a byte stream that is already open, such as a port-forward; the stream is closed at the end. */
import { Agent, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';

const defaultMaxBytes = 128 * 1024 * 1024;

export interface StreamRequest {
  readonly port: number;
  /** Asked one after the other. */
  readonly paths: readonly string[];
  readonly signal: AbortSignal;
  /** For each answer; 128 MiB when absent. */
  readonly maxBytes?: number;
}

/**
 * @returns the bodies, in order
 * @throws Error for any status but 200, too much of a body, or a stream that breaks; the signal's reason
 */
export async function httpOverStream(stream: Duplex, options: StreamRequest): Promise<readonly string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => stream;
  // What the agent does to a socket between two requests; this stream is none and needs neither.
  agent.keepSocketAlive = () => true;
  agent.reuseSocket = () => undefined;
  try {
    const bodies: string[] = [];
    for (const path of options.paths) bodies.push(await get(stream, agent, path, options));
    return bodies;
  } finally {
    agent.destroy();
    stream.destroy();
  }
}

function get(stream: Duplex, agent: Agent, path: string, options: StreamRequest): Promise<string> {
  const { port, signal, maxBytes = defaultMaxBytes } = options;
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      { method: 'GET', path, headers: { host: `localhost:${port}` }, agent, signal },
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
    stream.once('error', reject);
    call.on('error', reject);
    call.end();
  });
}
