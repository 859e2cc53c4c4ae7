/**
 * The application of the mesh's pods: `app.mjs http:8080 tcp:9000 ...`. HTTP answers with who it is and what it was
 * sent; `tcp` echoes; `greet` speaks first, as MySQL and SMTP do. SIGTERM lets what is in flight end.
 */
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { hostname } from 'node:os';

const servers = process.argv.slice(2).map((word) => {
  const [kind, port] = word.split(':');
  const server = kind === 'http' ? httpServer() : tcpServer(kind === 'greet' ? '220 ready\r\n' : '');
  server.listen(Number(port), () => process.stdout.write(`${kind} on ${port}\n`));
  return server;
});

function httpServer() {
  return createServer((request, response) => {
    const path = request.url ?? '/';
    const slow = /^\/delay\/(\d+)/.exec(path);
    const status = Number(/^\/status\/(\d{3})/.exec(path)?.[1] ?? 200);
    const body = `${JSON.stringify({ pod: hostname(), path, headers: request.headers })}\n`;
    request.resume();
    setTimeout(
      () => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body);
      },
      Number(slow?.[1] ?? 0),
    );
  });
}

function tcpServer(greeting) {
  return createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (greeting !== '') socket.write(greeting);
    socket.pipe(socket);
  });
}

process.on('SIGTERM', () => {
  for (const server of servers) server.close();
  setTimeout(() => process.exit(0), 1000).unref();
});
