/** The few messages of Envoy's discovery protocol that istioctl's questions need, in protobuf's wire format (protobuf.dev/programming-guides/encoding). */

/** One field: text, bytes or a message is length-delimited, a number is a varint. */
type Field = readonly [number: number, value: string | Uint8Array | number];

/** @returns a message of these fields; empty ones are left out, as proto3 does. */
export function message(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return value === 0 ? [] : [varint(number << 3), varint(value)];
      const bytes = Buffer.from(value);
      return bytes.length === 0 ? [] : [varint((number << 3) | 2), varint(bytes.length), bytes];
    }),
  );
}

/** google.protobuf.Any. */
export function any(typeUrl: string, value: Uint8Array): Buffer {
  return message([1, typeUrl], [2, value]);
}

/** google.protobuf.Struct, of text alone. */
export function struct(fields: Readonly<Record<string, string>>): Buffer {
  return message(
    ...Object.entries(fields).map(
      ([name, value]): Field => [1, message([1, name], [2, message([3, value])])],
    ),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

export interface DiscoveryRequest {
  readonly typeUrl: string;
  readonly resourceNames: readonly string[];
}

/** Reads envoy.service.discovery.v3.DiscoveryRequest; fields that nobody asks for are passed over. @throws RangeError where it is cut short */
export function readDiscoveryRequest(bytes: Buffer): DiscoveryRequest {
  const texts = new Map<number, string[]>();
  let at = 0;
  const number = (): number => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const wireType = tag & 7;
    if (wireType === 0) number();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else {
      const length = number();
      if (at + length > bytes.length) throw new RangeError('a field is longer than its message');
      const field = tag >>> 3;
      texts.set(field, [...(texts.get(field) ?? []), bytes.toString('utf8', at, at + length)]);
      at += length;
    }
  }
  return {
    typeUrl: texts.get(4)?.[0] ?? '',
    resourceNames: texts.get(3) ?? [],
  };
}
