import { describe, expect, it } from '@jest/globals';
import { decodeRecord, encodeRecord } from '@nest-rocketmq/remoting/internal';
import fc from 'fast-check';
import { CrcCombiner } from './crc-combine.js';
import { recordSize, writeRecord } from './record.js';
import type { MessageInner } from '../message.js';

const host = fc.constantFrom(Buffer.from([10, 0, 0, 1]), Buffer.from('20010db8000000000000000000000001', 'hex'));
const port = fc.integer({ min: 0, max: 65535 });
const long = fc.maxSafeNat();
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const anyMessage: fc.Arbitrary<MessageInner> = fc.record({
  topic: fc.integer({ min: 1, max: 255 }).map((length) => 't'.repeat(length)),
  queueId: fc.nat(0x7fffffff),
  flag: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  sysFlag: fc.constantFrom(0, 4, 8, 12),
  bornTimestamp: long,
  bornHost: host,
  bornPort: port,
  reconsumeTimes: fc.nat(100),
  preparedTransactionOffset: long,
  body: bytes(300),
  properties: bytes(200),
  tagsCode: fc.constant(0),
});
const place = fc.record({ physicalOffset: long, queueOffset: long, storeTimestamp: long });

const crcs = new CrcCombiner();

describe('the fast encoder of records', () => {
  it('writes the bytes that the plain one in remoting writes', () => {
    fc.assert(
      fc.property(anyMessage, place, host, port, (message, where, address, storePort) => {
        const topic = Buffer.from(message.topic);
        const storeHost = { address, port: storePort };
        const size = recordSize(message, topic.length, storeHost, false);
        const fast = Buffer.alloc(size + 5);
        writeRecord(fast, 5, message, topic, storeHost, { ...where, size, withCrc: false, crcs });
        const v6 = (message.bornHost.length === 16 ? 0x10 : 0) | (address.length === 16 ? 0x20 : 0);
        const plain = encodeRecord({
          ...message,
          ...where,
          topic,
          sysFlag: message.sysFlag | v6,
          bornHost: { address: message.bornHost, port: message.bornPort },
          storeHost,
        });
        expect(fast.subarray(5).equals(plain)).toBe(true);
      }),
    );
  });

  it('appends a checksum of the whole record that readers take for a property', () => {
    fc.assert(
      fc.property(anyMessage, place, (message, where) => {
        const topic = Buffer.from(message.topic);
        const storeHost = { address: Buffer.from([127, 0, 0, 1]), port: 1 };
        const plain = { ...message, properties: Buffer.from('a\u0001b\u0002') };
        const size = recordSize(plain, topic.length, storeHost, true);
        const record = Buffer.alloc(size);
        writeRecord(record, 0, plain, topic, storeHost, { ...where, size, withCrc: true, crcs });
        expect(record.toString('latin1', size - 20)).toMatch(/^__CRC32#.\d{10}.$/s);
        expect(Object.fromEntries(decodeRecord(record).properties)).toEqual({ a: 'b' });
      }),
    );
  });
});
