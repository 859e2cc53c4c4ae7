/** The program of the `kiali` image: leads its port's connections to whatever page the lab was given. */
import type { Program, ProgramHost } from './program.ts';

const port = 20001;

export function startConsole(host: ProgramHost): Program {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const { console: page } = host;
  const close = host.listen(port, (socket) => {
    if (page === undefined) socket.destroy();
    else page.accept(socket);
  });
  host.log(page === undefined ? 'the lab was given no page to show' : page.log);
  return {
    ended,
    stop() {
      close();
      resolve(0);
    },
    kill() {
      close();
      resolve(137);
    },
  };
}
