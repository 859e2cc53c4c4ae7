/** A program that is a web server on some ports: what most containers of the lab are. */
import type { Program, ProgramHost } from './program.ts';
import { type AnswerRequest, createWebServer, type WebAnswer, type WebRequest } from './web-server.ts';

export interface ServeOptions {
  /** Ports to take; the container cannot start without them. */
  readonly ports: readonly number[];
  /** Ports to take where no other container of the pod has them. */
  readonly spare?: readonly number[];
  /** Ports on the pod's loopback only. */
  readonly local?: readonly number[];
  readonly answer: AnswerRequest;
  /** The line that the image logs for a request; none when absent. */
  readonly logLine?: (request: WebRequest, answer: WebAnswer, milliseconds: number) => string;
}

/** Exit code of a server that was asked to stop and did. */
const stopped = 0;
/** 128 + SIGKILL. */
const killed = 137;

/** Starts serving; throws EADDRINUSE as the image would fail to. */
export function serve(host: ProgramHost, options: ServeOptions): Program {
  const server = createWebServer(logged(host, options));
  const closers: (() => void)[] = [];
  const take = (port: number, loopbackOnly = false): void => {
    closers.push(host.listen(port, (socket, from) => server.accept(socket, from, port), { loopbackOnly }));
  };
  try {
    for (const port of options.ports) take(port);
    for (const port of options.local ?? []) take(port, true);
  } catch (error) {
    for (const close of closers) close();
    throw error;
  }
  for (const port of options.spare ?? []) takeIfFree(() => take(port));

  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const close = (): void => {
    for (const closePort of closers.splice(0)) closePort();
  };
  return {
    ended,
    stop() {
      close();
      void server.drain().then(() => resolve(stopped));
    },
    kill() {
      close();
      server.kill();
      resolve(killed);
    },
  };
}

function takeIfFree(take: () => void): void {
  try {
    take();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return;
    throw error;
  }
}

function logged(host: ProgramHost, { answer, logLine }: ServeOptions): AnswerRequest {
  if (logLine === undefined) return answer;
  return async (request) => {
    const started = host.now().getTime();
    const result = await answer(request);
    host.log(logLine(request, result, host.now().getTime() - started));
    return result;
  };
}
