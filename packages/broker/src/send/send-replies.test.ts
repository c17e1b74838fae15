import { describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, decodeFrame, decodeOffsetMsgId } from '@nest-rocketmq/remoting/internal';
import type { Connection, RemotingCommand, SerializeType } from '@nest-rocketmq/remoting/internal';
import { CommitWaiters } from '../store/write/commit-waiters.js';
import { SendReplies } from './send-replies.js';

const STORE_HOST = { address: Buffer.from([192, 0, 2, 1]), port: 10911 };
const OPTIONS = { storeHost: STORE_HOST, regionId: 'DefaultRegion', traceOn: true };

class FakeConnection {
  readonly writes: Buffer[] = [];
  readonly answers: { opaque: number; code: number | undefined }[] = [];
  memory(bytes: number): Buffer {
    return Buffer.alloc(bytes);
  }
  write(frames: Buffer): void {
    this.writes.push(Buffer.from(frames));
  }
  answer({ opaque }: { opaque: number }, _row: unknown, { code }: { code?: number }): void {
    this.answers.push({ opaque, code });
  }
  get connection(): Connection {
    return this as unknown as Connection;
  }
  get frames(): RemotingCommand[] {
    const all = Buffer.concat(this.writes);
    const frames: RemotingCommand[] = [];
    for (let at = 0; at < all.length; at += all.readUInt32BE(at) + 4)
      frames.push(decodeFrame(all.subarray(at, at + all.readUInt32BE(at) + 4)));
    return frames;
  }
}

const reply = (
  opaque: number,
  serializeType: SerializeType,
  transactionId: string | undefined = 'ABCDEF',
  recallHandle?: string,
) => ({
  opaque,
  serializeType,
  queueId: 1023,
  queueOffset: 9_007_199_254_740_000,
  physicalOffset: 0x1234_5678_9abc,
  idIn: Buffer.from(`(${transactionId ?? ''})`),
  idStart: 1,
  idEnd: 1 + Buffer.byteLength(transactionId ?? ''),
  recallHandle,
});

function made(): { replies: SendReplies; waiters: CommitWaiters } {
  const waiters = new CommitWaiters();
  return { waiters, replies: new SendReplies(OPTIONS, { whenCommitted: (waiter) => waiters.add(waiter) }) };
}

describe('an answer to a send', () => {
  it.each<SerializeType>(['json', 'binary'])('says in %s form where the message is stored', (serializeType) => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    replies.add(peer.connection, 10, reply(0x7ffffffe, serializeType));
    waiters.settle(10);
    const frame = peer.frames[0]!;
    expect(frame).toMatchObject({
      code: ResponseCode.SUCCESS,
      opaque: 0x7ffffffe,
      flag: 1,
      serializeType,
      remark: undefined,
    });
    const header = Requests.SEND_MESSAGE_V2.reply.decode(frame.extFields);
    expect(header).toEqual({
      msgId: 'C000020100002A9F0000123456789ABC',
      queueId: 1023,
      queueOffset: 9_007_199_254_740_000,
      transactionId: 'ABCDEF',
    });
    expect(decodeOffsetMsgId(header.msgId)).toEqual({
      host: '192.0.2.1',
      port: 10911,
      physicalOffset: 0x1234_5678_9abc,
    });
    expect(frame.extFields).toMatchObject({ MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' });
  });

  it.each(['a"b\\c', '标签', undefined])('is well-formed with the transaction id %s', (transactionId) => {
    for (const serializeType of ['json', 'binary'] as const) {
      const { replies, waiters } = made();
      const peer = new FakeConnection();
      replies.add(peer.connection, 10, reply(-5, serializeType, transactionId ?? ''));
      waiters.settle(10);
      expect(peer.frames[0]!.extFields['transactionId']).toBe(transactionId);
      expect(peer.frames[0]!.opaque).toBe(-5);
    }
  });

  it.each<SerializeType>(['json', 'binary'])('has in %s form the handle of a message that can be recalled', (form) => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    const recallHandle = `${'djEgdCBicm9rZXItYSAx'.repeat(100)}==`;
    replies.add(peer.connection, 10, reply(1, form, 'k', recallHandle));
    replies.add(peer.connection, 20, reply(2, form));
    waiters.settle(20);
    expect(peer.frames.map(({ extFields }) => extFields['recallHandle'])).toEqual([recallHandle, undefined]);
    expect(peer.frames[0]!.extFields).toMatchObject({ transactionId: 'k', MSG_REGION: 'DefaultRegion' });
  });

  it('waits until its record is stored', () => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    replies.add(peer.connection, 100, reply(1, 'binary'));
    waiters.settle(99);
    expect(peer.frames).toEqual([]);
    waiters.settle(100);
    expect(peer.frames).toHaveLength(1);
  });

  it('leaves with the others of its turn in one write', () => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    for (let opaque = 0; opaque < 64; opaque++) replies.add(peer.connection, opaque, reply(opaque, 'binary'));
    waiters.settle(64);
    expect(peer.writes).toHaveLength(1);
    expect(peer.frames.map((frame) => frame.opaque)).toEqual(Array.from({ length: 64 }, (_, opaque) => opaque));
  });

  it('does not wait for the records of later turns', async () => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    replies.add(peer.connection, 10, reply(1, 'binary'));
    await Promise.resolve();
    replies.add(peer.connection, 20, reply(2, 'binary'));
    waiters.settle(10);
    expect(peer.frames.map((frame) => frame.opaque)).toEqual([1]);
  });

  it('goes to the one who asked', () => {
    const { replies, waiters } = made();
    const [one, two] = [new FakeConnection(), new FakeConnection()];
    for (let round = 0; round < 3; round++) {
      replies.add(one.connection, round, reply(round, 'json'));
      replies.add(two.connection, round, reply(100 + round, 'binary'));
    }
    waiters.settle(3);
    expect(one.frames.map((frame) => frame.opaque)).toEqual([0, 1, 2]);
    expect(two.frames.map((frame) => frame.opaque)).toEqual([100, 101, 102]);
  });

  it('stays as it was written while later ones are encoded in the same memory', () => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    const kept: Buffer[] = [];
    peer.write = (frames) => void kept.push(frames);
    const forms: SerializeType[] = ['binary', 'json', 'binary', 'binary', 'json', 'json', 'binary'];
    for (const [turn, form] of forms.entries()) {
      replies.add(peer.connection, turn, reply(turn, form));
      if (turn % 3 === 2) replies.add(peer.connection, turn, reply(100 + turn, 'binary'));
      waiters.settle(turn);
    }
    const alone = (opaque: number, form: SerializeType): string => {
      const one = made();
      const other = new FakeConnection();
      one.replies.add(other.connection, 1, reply(opaque, form));
      one.waiters.settle(1);
      return other.writes[0]!.toString('latin1');
    };
    const wanted = forms.map((form, turn) => alone(turn, form) + (turn % 3 === 2 ? alone(100 + turn, 'binary') : ''));
    expect(kept.map((frames) => frames.toString('latin1'))).toEqual(wanted);
  });

  it('is a refusal when the disk has failed, for each message that was not stored', () => {
    const { replies, waiters } = made();
    const [stored, lost] = [new FakeConnection(), new FakeConnection()];
    replies.add(stored.connection, 10, reply(1, 'json'));
    replies.add(lost.connection, 20, reply(2, 'json'));
    replies.add(lost.connection, 30, reply(3, 'binary'));
    waiters.settle(10, new Error('EIO'));
    expect(stored.frames.map((frame) => frame.code)).toEqual([ResponseCode.SUCCESS]);
    expect(lost.frames).toEqual([]);
    const code = ResponseCode.SERVICE_NOT_AVAILABLE;
    expect(lost.answers).toEqual([
      { opaque: 2, code },
      { opaque: 3, code },
    ]);
  });

  it('fits however many there are before a commit', () => {
    const { replies, waiters } = made();
    const peer = new FakeConnection();
    for (let opaque = 0; opaque < 5000; opaque++) replies.add(peer.connection, opaque, reply(opaque, 'json'));
    waiters.settle(5000);
    expect(peer.frames).toHaveLength(5000);
  });
});
