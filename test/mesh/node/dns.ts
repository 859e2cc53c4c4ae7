/** The cluster's DNS: services by their addresses, headless ones by their endpoints' (RFC 1035, A and AAAA only). */
import { createSocket, type Socket } from 'node:dgram';

export interface Names {
  /** Addresses for a name below `cluster.local`; undefined where there is no such name. */
  resolve(name: string): readonly string[] | undefined;
}

/** Serves on port 53 of the address. */
export async function startDns(names: Names, address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const answer = answerTo(question, names);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(53, address, resolve);
  });
  return socket;
}

const headerLength = 12;
const typeA = 1;

function answerTo(question: Buffer, names: Names): Buffer | undefined {
  if (question.length < headerLength + 5) return undefined;
  const labels: string[] = [];
  let at = headerLength;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  const found = names.resolve(labels.join('.').toLowerCase());
  const addresses = question.readUInt16BE(at + 1) === typeA ? (found ?? []) : [];
  const header = Buffer.alloc(headerLength);
  question.copy(header, 0, 0, 2);
  // A response, authoritative, recursion as asked and available; NXDOMAIN where there is no such name.
  header.writeUInt16BE(0x8580 | (found === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) =>
    // The question's name, type A, class IN, five seconds, four bytes.
    Buffer.from([0xc0, headerLength, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split('.').map(Number)]),
  );
  return Buffer.concat([header, question.subarray(headerLength, end), ...records]);
}
