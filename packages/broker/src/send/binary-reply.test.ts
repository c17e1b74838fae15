import { describe, expect, it } from '@jest/globals';
import { decodeFrame } from '@nest-rocketmq/remoting/internal';
import { BinaryReply, digitsOf, writeDecimal, writeHex } from './binary-reply.js';
import { binaryParts } from './send-reply-parts.js';
import type { SendReply } from './send-reply-parts.js';

const parts = binaryParts('C000020100002A9F', { MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' });
const SOME = [0, 1, 9, 10, 99, 100, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 9_007_199_254_740_991];

const reply = (id: string, values: Partial<SendReply>): SendReply => ({
  opaque: 1,
  serializeType: 'binary',
  queueId: 0,
  queueOffset: 0,
  physicalOffset: 0,
  idIn: Buffer.from(`..${id}..`),
  idStart: 2,
  idEnd: 2 + Buffer.byteLength(id),
  recallHandle: undefined,
  ...values,
});

/** Every kind after every other: the same layout, other numbers of digits, other ids, with a handle. */
const replies: SendReply[] = ['', 'A', 'ABCDEF', '标签', 'F'.repeat(80)].flatMap((id) =>
  SOME.flatMap((queueOffset, at) => [
    reply(id, { queueOffset, opaque: 1 - at, physicalOffset: SOME[SOME.length - 1 - at]!, queueId: at * 7 }),
    reply(id, { queueOffset, opaque: at, physicalOffset: queueOffset, queueId: at * 7 }),
    ...(at % 4 === 0 ? [reply(id, { queueOffset, recallHandle: 'handle' })] : []),
  ]),
);

describe('the binary answer to a send', () => {
  it('is the same behind any other as it is alone', () => {
    const writer = new BinaryReply(parts);
    const memory = Buffer.alloc(1024 * 1024, 0xee);
    let at = 5;
    for (const one of [...replies, ...replies.toReversed()]) {
      const end = writer.write(memory, at, one);
      const alone = Buffer.alloc(2048);
      const length = new BinaryReply(parts).write(alone, 0, one);
      expect(memory.subarray(at, end).toString('hex')).toBe(alone.subarray(0, length).toString('hex'));
      at = end;
    }
  });

  it('says what it is given', () => {
    for (const one of replies) {
      const memory = Buffer.alloc(2048);
      const frame = decodeFrame(memory.subarray(0, new BinaryReply(parts).write(memory, 0, one)));
      const id = one.idIn.toString('utf8', one.idStart, one.idEnd);
      expect(frame).toMatchObject({ opaque: one.opaque, flag: 1, code: 0 });
      expect({ ...frame.extFields }).toEqual({
        msgId: `C000020100002A9F${one.physicalOffset.toString(16).toUpperCase().padStart(16, '0')}`,
        queueId: String(one.queueId),
        queueOffset: String(one.queueOffset),
        ...(id !== '' && { transactionId: id }),
        ...(one.recallHandle !== undefined && { recallHandle: one.recallHandle }),
        MSG_REGION: 'DefaultRegion',
        TRACE_ON: 'true',
      });
    }
  });

  it('is not copied from memory that was written to meanwhile', () => {
    const writer = new BinaryReply(parts);
    const memory = Buffer.alloc(4096);
    const end = writer.write(memory, 0, reply('A', {}));
    const wanted = memory.toString('hex', 0, end);
    memory.fill(0xee);
    writer.forget();
    expect(memory.toString('hex', 0, writer.write(memory, 0, reply('A', {})))).toBe(wanted);
  });

  it.each(SOME)('writes %d in digits', (value) => {
    const memory = Buffer.alloc(20, 'x');
    const digits = digitsOf(value);
    writeDecimal(memory, value, digits);
    expect(memory.toString('latin1', 0, digits + 1)).toBe(`${value}x`);
    writeHex(memory, value, 0);
    const low = (value % 0x100000000).toString(16).toUpperCase().padStart(8, '0');
    expect(memory.toString('latin1', 0, 8)).toBe(low);
  });
});
