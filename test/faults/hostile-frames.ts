// Lists bytes that are no frame of this protocol, or one that no honest peer sends.

function frame(header: Buffer | string, { length, type = 0 }: { length?: number; type?: number } = {}): Buffer {
  const bytes = Buffer.from(header);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4 + bytes.length, 0);
  head.writeUInt32BE((type << 24) | (length ?? bytes.length), 4);
  return Buffer.concat([head, bytes]);
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32BE(length, 0);
  return bytes;
}

/** A binary header: code, language, version, opaque, flag, then remark and fields with lengths of their own. */
function binary(remarkLength: number, fieldsLength: number, fields: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(21);
  header.writeInt16BE(34, 0);
  header.writeInt32BE(1, 5);
  header.writeInt32BE(remarkLength, 13);
  header.writeInt32BE(fieldsLength, 17);
  return frame(Buffer.concat([header, fields]), { type: 1 });
}

const HUGE = 0x7fffffff;

/** The beginning of a frame of 10 MB. */
export const ANNOUNCED = Buffer.from([0, 0x98, 0x96, 0x80, 0, 0, 0, 100]);

export const HOSTILE_FRAMES: readonly (readonly [string, Buffer])[] = [
  ['length 0xffffffff', lengthOf(0xffffffff)],
  ['length 0x7fffffff', lengthOf(HUGE)],
  ['16 MiB and a byte', lengthOf(16 * 1024 * 1024 + 1)],
  ['length 0', lengthOf(0)],
  ['length 3', lengthOf(3)],
  ['a header longer than its frame', frame('{"code":34}', { length: 5_000 })],
  ['a header of no bytes', frame('')],
  ['a list for a header', frame('[]')],
  ['a number for a header', frame('7')],
  ['half a header', frame('{"code":34,"opaque":')],
  ['an unknown form of header', frame('{"code":34}', { type: 9 })],
  ['an empty header', frame('{}')],
  ['a header 200,000 deep', frame(`{"code":34,"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)],
  ['10,000 fields', frame(`{"code":34,"opaque":1,"extFields":${JSON.stringify(fieldsOf(10_000))}}`)],
  ['fields that are no texts', frame('{"code":34,"opaque":1,"extFields":{"__proto__":{"a":1},"b":[[]]}}')],
  ['a remark of 2 GiB', binary(HUGE, 0)],
  ['a remark of less than nothing', binary(-5, 0)],
  ['fields of 2 GiB', binary(0, HUGE)],
  ['fields of less than nothing', binary(0, -1)],
  ['a key longer than its fields', binary(0, 6, Buffer.from([0x7f, 0xff, 0, 0, 0, 0]))],
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: broker\r\n\r\n')],
  ['a greeting of TLS', Buffer.from('1603010200010001fc0303'.padEnd(200, '0'), 'hex')],
];

function fieldsOf(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 'x']));
}
