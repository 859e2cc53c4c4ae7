/**
 * What a port of a pod really takes: from its argument `[{ kind, host, port, cert?, key?, alpn?, servername? }]`,
 * written to standard output as one outcome for each, in order. Run in a pod outside the mesh.
 *
 *   plaintext: `answered` where any byte came back to an HTTP request (or before it), `refused` where the connection broke
 *   tls:       `answered` likewise over TLS, `refused` where the handshake or the connection broke
 */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const patience = 3000;

function probe({ kind, host, port, cert, key, alpn = ['istio-peer-exchange', 'istio'], servername = '' }) {
  return new Promise((resolve) => {
    const options = { host, port, rejectUnauthorized: false, ALPNProtocols: alpn, servername };
    const socket =
      kind === 'plaintext'
        ? connect(port, host)
        : connectTls(cert === undefined ? options : { ...options, cert, key });
    const end = (outcome, detail) => {
      socket.destroy();
      resolve({ outcome, detail });
    };
    socket.setTimeout(patience, () => end('silent', `nothing within ${patience} ms`));
    socket.on('data', (data) => end('answered', data.toString('latin1').split('\r\n')[0]));
    socket.on('error', (error) => end('refused', error.code ?? error.message));
    socket.on('close', () => end('refused', 'closed'));
    socket.on(kind === 'plaintext' ? 'connect' : 'secureConnect', () => {
      socket.write(`GET /headers HTTP/1.1\r\nhost: ${host}:${port}\r\nconnection: close\r\n\r\n`);
    });
  });
}

const probes = JSON.parse(process.argv[2] ?? '[]');
process.stdout.write(`${JSON.stringify(await Promise.all(probes.map(probe)))}\n`);
