import { describe, expect, it } from '@jest/globals';
import {
  NO_BODY,
  OUR_LANGUAGE,
  OUR_VERSION,
  Requests,
  ResponseCode,
  decodeFrame,
  emptyFields,
  encodeFrame,
  encodeProperties,
} from '@nest-rocketmq/remoting/internal';
import type { RemotingCommand } from '@nest-rocketmq/remoting/internal';
import fc from 'fast-check';
import type { PreparedMessage } from './outgoing.js';
import { SendAnswer } from './send-answer.js';
import { SendFrames, fitsSendFrame } from './send-frames.js';

const lent = { memory: (length: number) => Buffer.alloc(length, 0xee) };
const name = fc
  .string({ minLength: 1, maxLength: 40, unit: 'binary' })
  .filter((text) => !text.includes('\u0001') && !text.includes('\u0002'));
const int = fc.integer({ min: -0x80000000, max: 0x7fffffff });

const anyMessage: fc.Arbitrary<PreparedMessage> = fc.record(
  {
    topic: fc.constantFrom('orders', 'Zahlungen', 'a-topic_with%many|kinds'),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    properties: fc.array(fc.tuple(name, name), { minLength: 1, maxLength: 6 }).map((pairs) => new Map(pairs)),
    flag: int,
    sysFlag: fc.nat(),
    bornTimestamp: fc.integer({ min: 0, max: 4e12 }),
    msgId: fc.constant('ID'),
    batch: fc.constant(false),
    reconsumeTimes: fc.nat(),
    maxReconsumeTimes: int,
  },
  { requiredKeys: ['topic', 'body', 'properties', 'flag', 'sysFlag', 'bornTimestamp', 'msgId', 'batch'] },
);

describe('the frame of a send', () => {
  const propertiesOf = ({ properties }: PreparedMessage) => properties;
  const options = { group: 'p', createTopicKey: 'TBW102', defaultTopicQueueNums: 4, propertiesOf };
  const frames = new SendFrames(options);
  const queues = [0, 3].map((queueId) => ({ topic: 'orders', brokerName: 'broker-a', queueId }));
  const rows = [Requests.SEND_MESSAGE_V2, Requests.SEND_BATCH_MESSAGE, Requests.SEND_REPLY_MESSAGE_V2];

  it('is the one of the request table', () => {
    fc.assert(
      fc.property(
        anyMessage,
        fc.constantFrom(...queues),
        fc.constantFrom(...rows),
        fc.nat(),
        (given, queue, row, opaque) => {
          const message = { ...given, batch: row === Requests.SEND_BATCH_MESSAGE };
          const extFields = emptyFields();
          row.header.encode(
            {
              a: 'p',
              b: message.topic,
              c: 'TBW102',
              d: 4,
              e: queue.queueId,
              f: message.sysFlag,
              g: message.bornTimestamp,
              h: message.flag,
              i: encodeProperties(message.properties),
              j: message.reconsumeTimes ?? 0,
              k: false,
              l: message.maxReconsumeTimes,
              m: message.batch,
              n: queue.brokerName,
            },
            extFields,
          );
          const plain = encodeFrame({
            code: row.code,
            language: OUR_LANGUAGE,
            version: OUR_VERSION,
            opaque,
            flag: 0,
            remark: undefined,
            extFields,
            body: message.body,
            serializeType: 'binary',
          });
          expect(fitsSendFrame(message)).toBe(true);
          expect(frames.encode(queue, message, row, opaque, lent).toString('hex')).toBe(plain.toString('hex'));
        },
      ),
    );
  });

  it('is left to the table where the properties are empty, or too large for a header', () => {
    const message = fc.sample(anyMessage, 1)[0]!;
    expect(fitsSendFrame({ ...message, properties: new Map() })).toBe(false);
    expect(fitsSendFrame({ ...message, properties: new Map([['large', 'x'.repeat(8_000_000)]]) })).toBe(false);
  });
});

describe('the answer to a send', () => {
  const row = Requests.SEND_MESSAGE_V2;
  const answer = new SendAnswer();
  const frameOf = (extFields: Record<string, string>, more: Partial<RemotingCommand> = {}): Buffer =>
    encodeFrame({
      code: ResponseCode.SUCCESS,
      language: OUR_LANGUAGE,
      version: OUR_VERSION,
      opaque: 1,
      flag: 1,
      remark: undefined,
      extFields: Object.assign(emptyFields(), extFields),
      body: NO_BODY,
      serializeType: 'binary',
      ...more,
    });
  const usual = { msgId: '7F000001', queueId: '3', queueOffset: '42' };

  it('is read as the request table reads it', () => {
    const fields = fc.record(
      {
        msgId: name,
        queueId: fc.nat(999_999_999).map(String),
        queueOffset: fc.nat(2 ** 40).map(String),
        transactionId: fc.oneof(fc.constant('SENT'), name),
        recallHandle: name,
        batchUniqId: name,
        MSG_REGION: fc.oneof(fc.constant('DefaultRegion'), name),
        TRACE_ON: fc.constantFrom('true', 'false', 'False'),
      },
      { requiredKeys: ['msgId', 'queueId', 'queueOffset'] },
    );
    fc.assert(
      fc.property(fields, (extFields) => {
        const frame = frameOf(extFields);
        const { extFields: decoded } = decodeFrame(frame);
        const header = row.reply.decode(decoded);
        expect(answer.read(frame, 'SENT')).toBe(true);
        const { msgId, queueId, queueOffset, transactionId, recallHandle, region, traceOn } = answer;
        expect({ msgId, queueId, queueOffset, transactionId, recallHandle }).toEqual({
          msgId: header.msgId,
          queueId: header.queueId,
          queueOffset: header.queueOffset,
          transactionId: header.transactionId,
          recallHandle: header.recallHandle,
        });
        expect([region, traceOn]).toEqual([decoded['MSG_REGION'], decoded['TRACE_ON'] !== 'false']);
      }),
    );
  });

  it.each<[string, Buffer]>([
    ['has another code', frameOf(usual, { code: ResponseCode.FLUSH_DISK_TIMEOUT })],
    ['has a remark', frameOf(usual, { remark: 'well' })],
    ['has a field that is unknown', frameOf({ ...usual, more: 'x' })],
    ['lacks a field', frameOf({ msgId: '7F', queueId: '3' })],
    ['has a number with a sign', frameOf({ ...usual, queueOffset: '+42' })],
    ['has a number that is none', frameOf({ ...usual, queueId: 'three' })],
    ['has a number beyond its type', frameOf({ ...usual, queueId: '99999999999' })],
    ['has too many fields', frameOf(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, 'x'])))],
  ])('is left to the table where it %s', (_what, frame) => {
    expect(answer.read(frame, 'SENT')).toBe(false);
  });

  it('is left to the table where it is cut off anywhere in its header', () => {
    const frame = frameOf(usual);
    for (let length = 0; length < frame.length; length++) {
      expect(answer.read(frame.subarray(0, length), 'SENT')).toBe(false);
      const lies = Buffer.from(frame);
      if (length >= 4) lies[length]! ^= 0x7f;
      expect(() => answer.read(lies, 'SENT')).not.toThrow();
    }
  });
});
