import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../logger.js';
import { systemClock } from '../time/clock.js';
import { handlerTable } from './handler-table.js';
import { SendMemory } from './send-memory.js';
import { RemotingServer } from './server.js';

const LARGE = 200 * 1024;

describe('memory for what is sent', () => {
  it('is never lent twice at a time', () => {
    const memory = new SendMemory();
    const lent = Array.from({ length: 50 }, (_, i) => memory.lend(LARGE).fill(i));
    lent.forEach((frame, i) => expect(frame.every((byte) => byte === i)).toBe(true));
  });

  it('is used again when all of its part was given back, not before', () => {
    const memory = new SendMemory();
    const [first, second] = [memory.lend(LARGE), memory.lend(LARGE)];
    expect(second.buffer).toBe(first.buffer);
    const next = memory.lend(LARGE);
    expect(next.buffer).not.toBe(first.buffer);
    memory.giveBack(first);
    const another = [memory.lend(LARGE), memory.lend(LARGE)];
    expect(another.map(({ buffer }) => buffer)).not.toContain(first.buffer);
    memory.giveBack(second);
    const again = [memory.lend(LARGE), memory.lend(LARGE)];
    expect(again.map(({ buffer }) => buffer)).toContain(first.buffer);
  });

  it('leaves memory from elsewhere alone, and lends a large frame memory of its own', () => {
    const memory = new SendMemory();
    const large = memory.lend(1024 * 1024);
    expect(large).toHaveLength(1024 * 1024);
    memory.giveBack(large);
    memory.giveBack(Buffer.alloc(8));
    expect(memory.lend(1024 * 1024).buffer).not.toBe(large.buffer);
  });

  it('is shared by the connections of one server, and by those of no other', async () => {
    const server = (): RemotingServer =>
      new RemotingServer({ handlers: handlerTable(), clock: systemClock, logger: silentLogger });
    const [one, other] = [server(), server()];
    const [first, second] = [one.accept(new Socket()), one.accept(new Socket())];
    expect(first.memory(10).buffer).toBe(second.memory(10).buffer);
    expect(other.accept(new Socket()).memory(10).buffer).not.toBe(first.memory(10).buffer);
    await Promise.all([one.close(), other.close()]);
  });
});
