import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeRecord, decodeRecord } from './message-codec.js';
import { encodeOffsetMsgId } from './message-id.js';
import { Neighbours } from './neighbours.js';
import { SysFlag } from './sys-flag.js';

const host = fc.constantFrom(
  { address: Buffer.from([127, 0, 0, 1]), port: 10_911 },
  { address: Buffer.from([127, 0, 0, 1]), port: 10_912 },
  { address: Buffer.from([10, 0, 0, 1]), port: 10_911 },
  { address: Buffer.alloc(16, 7), port: 10_911 },
);

const record = fc
  .record({
    topic: fc.constantFrom('orders', 'order', 'Orders', 'zahlungen-ü', 'x'.repeat(130)),
    bornHost: host,
    storeHost: host,
    physicalOffset: fc.oneof(
      fc.constantFrom(0, 0xffffffff, 0x100000000, 0x7fffffff, Number.MAX_SAFE_INTEGER),
      fc.maxSafeNat(),
    ),
  })
  .map(({ topic, ...fields }) =>
    encodeRecord({
      ...fields,
      topic: Buffer.from(topic),
      queueId: 1,
      flag: 0,
      sysFlag:
        (fields.bornHost.address.length === 16 ? SysFlag.BORNHOST_V6 : 0) |
        (fields.storeHost.address.length === 16 ? SysFlag.STOREHOST_V6 : 0),
      queueOffset: 3,
      bornTimestamp: 1,
      storeTimestamp: 2,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from('x'),
      properties: Buffer.from('TAGS\u0001t\u0002'),
    }),
  );

describe('what records have in common', () => {
  it('changes nothing in what is read of them, whatever follows what', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 2, maxLength: 6 }), (records) => {
        const neighbours = new Neighbours();
        for (const each of records) {
          const message = decodeRecord(each, 0, undefined, neighbours);
          expect(message).toEqual(decodeRecord(each));
          const { storeHost, physicalOffset, offsetMsgId } = message;
          expect(offsetMsgId).toBe(encodeOffsetMsgId(storeHost.address, storeHost.port, physicalOffset));
        }
      }),
    );
  });
});
