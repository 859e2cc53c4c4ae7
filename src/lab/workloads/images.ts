/** Which program an image is: matched by the image's name, as people write it in manifests. */
import type { Container } from '../kinds/pod.ts';
import { startConsole } from './console.ts';
import { startGeneric } from './generic.ts';
import { type Dialect, defaultPort } from './httpbin/dialect.ts';
import { httpbin } from './httpbin/httpbin.ts';
import { startIstiodServer } from './istiod/istiod-server.ts';
import type { Program, ProgramHost, StartProgram } from './program.ts';
import { serve } from './serve.ts';

/** @returns the program of the container's image; undefined where it would do nothing without a command. */
export function programOf(container: Container): StartProgram | undefined {
  const image = nameOf(container.image);
  const dialect = httpbinDialect(image);
  if (dialect !== undefined) return (host) => startHttpbin(host, dialect);
  if (/(^|\/)pilot$/.test(image)) return startIstiodServer;
  if (/(^|\/)kiali$/.test(image)) return startConsole;
  const greeting = greetings.find(([pattern]) => pattern.test(image))?.[1];
  const ports = declaredPorts(container);
  if (greeting !== undefined) {
    const own = ports.length > 0 ? ports : [greeting.port];
    return (host) => startGeneric(host, own, greeting.bytes);
  }
  return ports.length === 0 ? undefined : (host) => startGeneric(host, ports);
}

/** The image without registry port, tag and digest: `docker.io/mccutchen/go-httpbin`. */
function nameOf(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/]*$/, '');
}

function httpbinDialect(image: string): Dialect | undefined {
  if (/go-httpbin$/.test(image)) return 'go';
  return /(^|\/)httpbin$/.test(image) ? 'python' : undefined;
}

/** TCP ports that the container declares. */
export function declaredPorts(container: Container): readonly number[] {
  const tcp = (container.ports ?? []).filter((port) => (port.protocol ?? 'TCP') === 'TCP');
  return [...new Set(tcp.map((port) => port.containerPort))];
}

/** Servers that speak first: the client waits for them, and they for nobody. */
const greetings: readonly (readonly [RegExp, { readonly port: number; readonly bytes: Buffer }])[] = [
  [/(^|\/)(mysql|mariadb|percona)(-\w+)?$/, { port: 3306, bytes: mysqlGreeting() }],
  [
    /(^|\/)(postfix|mailhog|smtp4dev|docker-mailserver)$/,
    { port: 25, bytes: Buffer.from('220 lab ESMTP ready\r\n') },
  ],
  [/(^|\/)(vsftpd|ftp-server|pure-ftpd)$/, { port: 21, bytes: Buffer.from('220 lab FTP ready\r\n') }],
];

/** A protocol 10 handshake packet (MySQL Internals, "Protocol::HandshakeV10"), as far as clients read it before answering. */
function mysqlGreeting(): Buffer {
  const payload = Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.4.0-lab\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('padlock8\0'),
    Buffer.from([0xff, 0xf7, 0x21, 0x02, 0x00, 0xff, 0x81, 21]),
    Buffer.alloc(10),
    Buffer.from('padlocklab12\0'),
    Buffer.from('mysql_native_password\0'),
  ]);
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload]);
}

function startHttpbin(host: ProgramHost, dialect: Dialect): Program {
  const { container, env } = host;
  const told = toldPort(container, env, dialect);
  const declared = declaredPorts(container);
  const ports = told === undefined ? declared : [told];
  const usual = defaultPort[dialect];
  return serve(host, {
    ports: ports.length > 0 ? ports : [usual],
    spare: told === undefined && !ports.includes(usual) ? [usual] : [],
    answer: httpbin(dialect),
    logLine: (request, answer, milliseconds) =>
      `${host.now().toISOString()} ${request.from.ip} "${request.method} ${request.target} HTTP/${request.httpVersion}" ${answer.status} ${milliseconds}ms`,
  });
}

/** The port that the container is told to use: go-httpbin's PORT or `-port`, gunicorn's `-b ADDRESS:PORT`. */
function toldPort(
  container: Container,
  env: Readonly<Record<string, string>>,
  dialect: Dialect,
): number | undefined {
  const words = [...(container.command ?? []), ...(container.args ?? [])].join(' ');
  const flag = dialect === 'go' ? /-port[= ](\d+)/.exec(words) : /(?:-b|--bind)[= ]\S*:(\d+)/.exec(words);
  if (flag !== null) return Number(flag[1]);
  const variable = dialect === 'go' ? env.PORT : undefined;
  return variable !== undefined && /^\d+$/.test(variable) ? Number(variable) : undefined;
}
