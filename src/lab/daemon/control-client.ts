/** Asks a running lab's control server. */
import { request } from 'node:http';
import { errorCode } from '../net/socket-error.ts';
import type { LabState } from './state-file.ts';

const answerMilliseconds = 5_000;

/** @returns the body; undefined where nobody answers there, or somebody who does not know the secret. */
export function askControl(
  state: LabState,
  method: 'GET' | 'POST',
  path: string,
): Promise<string | undefined> {
  const { port, secret } = state.control;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { authorization: `Bearer ${secret}` },
        signal: AbortSignal.timeout(answerMilliseconds),
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => resolve(undefined));
        response.on('end', () =>
          resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString('utf8') : undefined),
        );
      },
    );
    call.on('error', (error) => {
      // Nobody there, or a process that is not a lab: both mean that this lab does not run.
      const code = errorCode(error);
      if (code !== undefined || error.name === 'TimeoutError' || error.name === 'AbortError')
        resolve(undefined);
      else reject(error);
    });
    call.end();
  });
}
