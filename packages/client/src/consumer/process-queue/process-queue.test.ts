import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { ProcessQueue } from './process-queue.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

const message = (queueOffset: number): MessageExt =>
  ({ queueOffset, body: Buffer.alloc(10), properties: new Map<string, string>() }) as MessageExt;
const queue = (): ProcessQueue => new ProcessQueue({ topic: 't', brokerName: 'b', queueId: 0 });

describe('a process queue', () => {
  it('continues from the smallest offset that is not done, whatever the order in which messages end', () => {
    const one = queue();
    const messages = [10, 11, 12].map(message);
    one.add(messages);
    expect(one.remove([messages[1]!])).toBe(10);
    expect(one.remove([messages[0]!])).toBe(12);
    expect(one.remove([messages[2]!])).toBe(13);
  });

  it('T068: counts messages, bytes and the span of offsets', () => {
    const one = queue();
    const messages = [5, 9].map(message);
    one.add(messages);
    expect([one.count, one.bytes, one.span]).toEqual([2, 20, 4]);
    one.remove([messages[0]!]);
    expect([one.count, one.bytes, one.span]).toEqual([1, 10, 0]);
  });

  it('T068: knows which messages it has, and the first and the last of their offsets', () => {
    const one = queue();
    expect(one.heldOffsets).toEqual({ min: 0, max: 0 });
    const messages = [5, 6, 9].map(message);
    one.add(messages);
    expect([one.has(messages[1]!), one.has(message(6))]).toEqual([true, false]);
    expect(one.heldOffsets).toEqual({ min: 5, max: 9 });
    one.remove([messages[0]!]);
    expect([one.has(messages[0]!), one.heldOffsets.min]).toEqual([false, 6]);
  });

  it('closes once the listener calls that are under way have ended, and stays ours until then', async () => {
    const one = queue();
    one.callBegins();
    one.callBegins();
    let closed = false;
    const closing = one.close().then(() => (closed = true));
    one.callEnded();
    await Promise.resolve();
    expect([closed, one.closing, one.idle, one.dropped]).toEqual([false, true, false, false]);
    one.callEnded();
    await closing;
    expect([closed, one.idle]).toEqual([true, true]);
  });

  it('holds nothing once it is dropped, and tells those who wait', async () => {
    const one = queue();
    one.add([message(1)]);
    const changed = one.changed();
    one.drop();
    await changed;
    expect([one.count, one.bytes, one.dropped, one.signal.aborted]).toEqual([0, 0, true, true]);
  });

  it(`says the smallest of what is left, for any order (SEED=${SEED})`, () => {
    let state = SEED;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x80000000;
    const one = queue();
    const left = new Map<number, MessageExt>();
    let next = 0;
    for (let step = 0; step < 2_000; step++) {
      if (left.size === 0 || random() < 0.5) {
        const added = message((next += 1 + Math.floor(random() * 3)));
        one.add([added]);
        left.set(added.queueOffset, added);
      } else {
        const done = [...left.values()][Math.floor(random() * left.size)]!;
        left.delete(done.queueOffset);
        expect(one.remove([done])).toBe(left.size > 0 ? Math.min(...left.keys()) : next + 1);
      }
    }
  });
});
