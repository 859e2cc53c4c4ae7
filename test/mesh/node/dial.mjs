/** Connects to a port of the loopback and hands bytes on, both ways. `connected` or an error's code goes to stderr first. */
import { connect } from 'node:net';

const socket = connect({ port: Number(process.argv[2]), host: '127.0.0.1', allowHalfOpen: true });
socket.on('connect', () => {
  process.stderr.write('connected\n');
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
});
socket.on('error', (error) => {
  process.stderr.write(`${error.code}\n`);
  process.exit(1);
});
socket.on('close', () => process.exit(0));
