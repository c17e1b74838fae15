import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DecodeError } from '../errors.js';
import { decodeFrame } from '../frame/frame.js';
import { javaHashCode } from './hash.js';
import { decodeBatch, encodeBatch } from './message-batch.js';
import {
  BLANK_MAGIC,
  RecordAt,
  decodeRecord,
  decodeRecords,
  encodeRecord,
  readLong,
  recordSize,
  writeLong,
} from './message-codec.js';
import { UniqueIdMaker, decodeOffsetMsgId, encodeOffsetMsgId } from './message-id.js';
import { decodeProperties, encodeProperties } from './property.js';

const fixtures = new URL('../../../../test/fixtures/', import.meta.url);
const fixture = (name: string): Buffer => readFileSync(new URL(name, fixtures));

interface GoldenRecord {
  readonly phyOffset: number;
  readonly size: number;
  readonly version: number;
  readonly storedBodyLength: number;
  readonly bodySha256: string;
  readonly properties: Record<string, string>;
  readonly [field: string]: unknown;
}

const golden = JSON.parse(fixture('store/golden-clean.records.json').toString()) as GoldenRecord[];
const goldenSends = JSON.parse(fixture('store/golden-clean.manifest.json').toString()) as {
  phyOffset: number;
  bodySha256: string;
  /** null for a half message: the producer was not told */
  offsetMsgId: string | null;
}[];
const commitLog = gunzipSync(fixture('store/golden-clean.commitlog.gz'));
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe("the commit log that Apache's broker wrote", () => {
  it.each(golden.map((record) => [record.phyOffset, record] as const))(
    'has a record at %i that decodes to what was recorded',
    (at, record) => {
      const message = decodeRecord(commitLog, at, { inflate: false });
      const { phyOffset, size, version: _version, storedBodyLength, bodySha256: _sha, properties, ...plain } = record;
      expect(message).toMatchObject({ ...plain, physicalOffset: phyOffset, storeSize: size });
      expect(message.body.length).toBe(storedBodyLength);
      expect(Object.fromEntries(message.properties)).toEqual(properties);
      const sent = goldenSends.find((send) => send.phyOffset === at);
      if (sent?.offsetMsgId) expect(message.offsetMsgId).toBe(sent.offsetMsgId);
    },
  );

  it('holds, behind compression, the bodies that were sent', () => {
    for (const sent of goldenSends) expect(sha256(decodeRecord(commitLog, sent.phyOffset).body)).toBe(sent.bodySha256);
  });

  it('has every record encoded again to the same bytes', () => {
    for (const { phyOffset, size } of golden) {
      const message = decodeRecord(commitLog, phyOffset, { inflate: false });
      const original = commitLog.subarray(phyOffset, phyOffset + size);
      const again = encodeRecord({
        ...message,
        topic: Buffer.from(message.topic),
        properties: Buffer.from(encodeProperties(message.properties)),
      });
      expect(again.equals(original)).toBe(true);
    }
  });

  it('ends a file with a blank record where the next one did not fit', () => {
    const firstFileEnd = 1048576;
    const last = golden.filter(({ phyOffset }) => phyOffset < firstFileEnd).at(-1)!;
    const blankAt = last.phyOffset + last.size;
    expect(commitLog.readInt32BE(blankAt)).toBe(firstFileEnd - blankAt);
    expect(commitLog.readInt32BE(blankAt + 4)).toBe(BLANK_MAGIC);
    expect(() => decodeRecord(commitLog, blankAt)).toThrow(DecodeError);
  });
});

describe('a message record', () => {
  const v4 = { address: Buffer.from([127, 0, 0, 1]), port: 10911 };
  const v6 = { address: Buffer.from('20010db8000000000000000000000001', 'hex'), port: 10911 };
  const record = (topic: string, v6Hosts = false): Buffer =>
    encodeRecord({
      topic: Buffer.from(topic),
      queueId: 3,
      flag: 7,
      sysFlag: v6Hosts ? 0x30 : 0,
      queueOffset: 11,
      physicalOffset: 2 ** 40 + 5,
      bornTimestamp: 1795248062253,
      bornHost: v6Hosts ? v6 : v4,
      storeTimestamp: 1795248062332,
      storeHost: v6Hosts ? v6 : v4,
      reconsumeTimes: 2,
      preparedTransactionOffset: 9,
      body: Buffer.from('hello'),
      properties: Buffer.from(encodeProperties([['TAGS', 'a']])),
    });

  it.each([
    ['a short topic', 'orders', false],
    ['a topic of 127 bytes', 't'.repeat(127), false],
    ['a topic of 128 bytes, which takes the second layout', 't'.repeat(128), false],
    ['IPv6 hosts', 'orders', true],
  ])('with %s decodes to what was encoded', (_what, topic, v6Hosts) => {
    const bytes = record(topic, v6Hosts);
    expect(bytes.length).toBe(recordSize(v6Hosts ? 0x30 : 0, 5, topic.length, 7));
    const message = decodeRecord(bytes);
    expect(message).toMatchObject({
      topic,
      queueId: 3,
      flag: 7,
      queueOffset: 11,
      physicalOffset: 2 ** 40 + 5,
      reconsumeTimes: 2,
    });
    expect(message.body.toString()).toBe('hello');
    expect(message.bornHost.address.equals((v6Hosts ? v6 : v4).address)).toBe(true);
    expect(message.msgId).toBe(message.offsetMsgId);
  });

  it('is refused when a bit of its body is flipped', () => {
    const bytes = record('orders');
    bytes[RecordAt.bornHost + 40]! ^= 1;
    expect(() => decodeRecord(bytes)).toThrow(DecodeError);
  });

  it('is never read beyond its end, wherever it is cut or damaged', () => {
    const whole = record('orders');
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeRecord(whole.subarray(0, length))).toThrow(DecodeError);
    }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        try {
          expect(decodeRecord(bytes).storeSize).toBe(whole.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });

  it('stands among others without a gap', () => {
    const bytes = Buffer.concat([record('a'), record('b'), record('t'.repeat(200))]);
    expect(decodeRecords(bytes).map(({ topic }) => topic)).toEqual(['a', 'b', 't'.repeat(200)]);
  });
});

describe('64-bit numbers', () => {
  it.each([0, 1, -1, -5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 33) - 7])(
    '%d is read back as it was written',
    (value) => {
      const bytes = Buffer.alloc(8);
      writeLong(bytes, value, 0);
      expect(bytes.readBigInt64BE(0)).toBe(BigInt(value));
      expect(readLong(bytes, 0)).toBe(value);
    },
  );
});

describe('properties', () => {
  it('are read leniently: a missing last separator, and pairs without name or value', () => {
    expect([...decodeProperties('a\u00011\u0002b\u00012')]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect([...decodeProperties('\u0001x\u0002a\u0001\u0002c\u0002d\u00013\u0002')]).toEqual([['d', '3']]);
  });
});

describe('a batch', () => {
  it('as a Java producer sent it decodes, and encodes to the same bytes', () => {
    const frame = decodeFrame(fixture('frames/00189-320-req-json.bin'));
    const items = decodeBatch(frame.body);
    expect(items.length).toBeGreaterThan(1);
    expect(items.every(({ properties }) => decodeProperties(properties.toString()).has('UNIQ_KEY'))).toBe(true);
    expect(encodeBatch(items).equals(frame.body)).toBe(true);
  });

  it('that is cut off is refused', () => {
    const bytes = encodeBatch([{ flag: 0, body: Buffer.from('one'), properties: Buffer.alloc(0) }]);
    expect(() => decodeBatch(bytes.subarray(0, bytes.length - 1))).toThrow(DecodeError);
  });
});

describe('ids and hashes', () => {
  it('hash as in Java', () => {
    // The two tags' codes as a Java consumer put them into its heartbeat.
    expect([javaHashCode('TagA'), javaHashCode('TagB')]).toEqual([2598919, 2598920]);
  });

  it('name the place of a message', () => {
    const id = encodeOffsetMsgId(Buffer.from([127, 0, 0, 1]), 0x78bf, 0x109);
    expect(id).toBe('7F000001000078BF0000000000000109');
    expect(decodeOffsetMsgId(id)).toEqual({ host: '127.0.0.1', port: 0x78bf, physicalOffset: 0x109 });
    expect(() => decodeOffsetMsgId('nonsense')).toThrow(DecodeError);
  });

  it('never come twice from one producer, nor the same from two', () => {
    const [one, two] = [new UniqueIdMaker('10.0.0.1'), new UniqueIdMaker('10.0.0.1')];
    const ids = new Set<string>();
    for (let i = 0; i < 10_000; i++) ids.add(one.next(1795248062253)).add(two.next(1795248062253));
    expect(ids.size).toBe(20_000);
    const bytes = Buffer.alloc(34, '.');
    one.write(1795248062253, bytes, 1);
    const last = [...ids].at(-2)!;
    const counter = ((Number.parseInt(last.slice(-4), 16) + 1) & 0xffff).toString(16).toUpperCase().padStart(4, '0');
    expect(bytes.toString()).toBe(`.${last.slice(0, -4)}${counter}.`);
    expect([...ids].every((id) => /^[0-9A-F]{32}$/.test(id))).toBe(true);
  });
});
