/**
 * `pilot-agent request [--debug-port N] METHOD PATH`: asks the sidecar's own admin server, as Padlock's evidence and
 * istioctl do; `pilot-discovery request METHOD PATH` asks istiod's debug pages in the same way.
 */
import { request } from 'node:http';
import { type Command, type CommandContext, exit, say, write } from './command.ts';

/** Envoy's administration interface. */
export const pilotAgent: Command = (context) => requester(context, 'pilot-agent', 15000);

/** istiod's monitoring port, where the debug pages are for callers on its own loopback. */
export const pilotDiscovery: Command = (context) => requester(context, 'pilot-discovery', 15014);

async function requester(context: CommandContext, name: string, usualPort: number): Promise<number> {
  const words: string[] = [];
  let port = usualPort;
  for (let index = 1; index < context.argv.length; index += 1) {
    const word = context.argv[index] ?? '';
    const inline = /^--debug-port=(\d+)$/.exec(word);
    if (inline !== null) port = Number(inline[1]);
    else if (word === '--debug-port') {
      port = Number(context.argv[index + 1]);
      index += 1;
    } else words.push(word);
  }
  const [command, method, path] = words;
  if (command !== 'request' || method === undefined || path === undefined) {
    const usage = `Usage:\n  ${name} request <method> <path> [--debug-port <port>]`;
    await say(context.stderr, `Error: the lab's ${name} knows "request" only\n${usage}`);
    return exit.failed;
  }
  try {
    return await ask(context, port, method.toUpperCase(), path.startsWith('/') ? path : `/${path}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await say(context.stderr, `Error: failed to execute command on Envoy: ${why}`);
    return exit.failed;
  }
}

/** Writes the body as it comes; a status that is not 200 is an error, as pilot-agent has it. */
async function ask(context: CommandContext, port: number, method: string, path: string): Promise<number> {
  const socket = await context.network.connectLocal(port);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        createConnection: () => socket,
        method,
        path,
        headers: { host: `localhost:${port}` },
        signal: context.signal,
      },
      (response) => {
        const ok = response.statusCode === 200;
        const sink = ok ? context.stdout : context.stderr;
        const copy = async (): Promise<number> => {
          if (!ok) await say(sink, `Error: unsuccessful response: ${response.statusCode}`);
          for await (const chunk of response) await write(sink, chunk);
          return ok ? exit.ok : exit.failed;
        };
        copy().then(resolve, reject);
      },
    );
    call.on('error', reject);
    call.end();
  });
}
