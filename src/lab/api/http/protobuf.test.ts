import { expect, test } from 'vitest';
import { builtinSchema } from '../schema/builtin.ts';
import { ApiStatus } from '../status.ts';
import { decodeProtobuf } from './protobuf.ts';

/** Written by hand from the wire format: a tag (number << 3 | 2, in two bytes from 16 on), a length, the bytes. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const tag = (number << 3) | 2;
  const tagBytes = tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7];
  return Buffer.concat([Buffer.from([...tagBytes, bytes.length]), bytes]);
}

function varint(number: number, value: number): Buffer {
  return Buffer.from([number << 3, value]);
}

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const type = Buffer.concat([field(1, apiVersion), field(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
}

const schemaOf = (name: string) => builtinSchema(name) ?? {};

test('a namespace as kubectl create sends it', () => {
  const metadata = Buffer.concat([
    field(1, 'secure-apps'),
    field(2, ''),
    field(11, Buffer.concat([field(1, 'a'), field(2, 'b')])),
  ]);
  const body = envelope(
    'v1',
    'Namespace',
    Buffer.concat([field(1, metadata), field(2, ''), field(3, field(1, ''))]),
  );
  expect(decodeProtobuf(body, schemaOf('core.v1.Namespace'))).toMatchObject({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'secure-apps', labels: { a: 'b' } },
  });
});

test('fields of inlined structs, numbers or names, and bytes come out as JSON has them', () => {
  const port = Buffer.concat([varint(1, 0), varint(2, 80)]);
  const servicePort = Buffer.concat([varint(3, 80), field(4, port)]);
  const service = envelope('v1', 'Service', field(2, field(1, servicePort)));
  expect(decodeProtobuf(service, schemaOf('core.v1.Service'))).toMatchObject({
    spec: { ports: [{ port: 80, targetPort: 80 }] },
  });
  const volume = Buffer.concat([field(1, 'v'), field(2, field(19, field(1, field(1, 'settings'))))]);
  const pod = envelope('v1', 'Pod', field(2, field(1, volume)));
  expect(decodeProtobuf(pod, schemaOf('core.v1.Pod'))).toMatchObject({
    spec: { volumes: [{ name: 'v', configMap: { name: 'settings' } }] },
  });
  const secret = envelope('v1', 'Secret', field(2, Buffer.concat([field(1, 'k'), field(2, 'secret')])));
  expect(decodeProtobuf(secret, schemaOf('core.v1.Secret'))).toMatchObject({ data: { k: 'c2VjcmV0' } });
});

test('what is no protobuf is refused, not misread', () => {
  const decode = (body: Buffer) => () => decodeProtobuf(body, schemaOf('core.v1.Pod'));
  expect(decode(Buffer.from('{}'))).toThrow(ApiStatus);
  expect(decode(Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x0a, 0xff])]))).toThrow('unexpected end');
});
