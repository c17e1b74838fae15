// Generates a load without the cost of a client: frames encoded once, a fixed number in flight on one connection. An oracle
// may number the messages, and learns which were acknowledged.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { FrameDecoder } from '@nest-rocketmq/remoting/internal';
import { isFailure, opaqueOf } from './answer.js';
import type { Oracle } from './oracle.js';
import { type Load, SendBlock } from './send-block.js';

/** How long to wait at the end for outstanding answers, ms. */
const LAST_ANSWERS_MS = 10_000;

export class Generator {
  /** Sends answered with success. */
  answered = 0;
  failed = 0;
  private readonly block: SendBlock;
  /** 1 while a slot's frame waits for its answer: its bytes may still be on their way. */
  private readonly busy: Uint8Array;
  /** Of each slot, the number that the oracle gave its message. */
  private readonly sequences: Float64Array;
  private readonly watchers = new Set<() => void>();
  private next = 0;
  private underWay = 0;
  private ending = false;
  private failure: Error | undefined;

  private constructor(
    private readonly socket: Socket,
    load: Load,
    private readonly oracle: Oracle | undefined,
  ) {
    this.block = new SendBlock(load);
    this.busy = new Uint8Array(this.block.slots);
    this.sequences = new Float64Array(this.block.slots);
    // The search for a free slot ends, and mostly at once, since half of them are.
    if (load.depth * 2 > this.block.slots)
      throw new Error(`a depth of ${load.depth} is too much for ${this.block.slots} frames: at most half as many`);
  }

  static async start(load: Load, oracle?: Oracle): Promise<Generator> {
    const [host, port] = load.address.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const generator = new Generator(socket, load, oracle);
    const decoder = new FrameDecoder();
    socket.on('data', (chunk) => generator.take(decoder, chunk));
    socket.on('error', (error) => generator.fail(error));
    socket.on('close', () => generator.fail(new Error(`${load.address} closed the connection`)));
    generator.write(load.depth);
    return generator;
  }

  /** Resolves when so many sends were answered with success. */
  reached(count: number): Promise<void> {
    return this.until(() => this.answered >= count);
  }

  /** Sends no more, waits a while for the answers that are under way, and closes the connection. */
  async stop(): Promise<void> {
    this.ending = true;
    await this.until(() => this.underWay === 0, LAST_ANSWERS_MS);
    const closed = once(this.socket, 'close');
    this.socket.destroySoon();
    await closed;
  }

  private async until(condition: () => boolean, patience?: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.failure === undefined && !condition()) return;
        end();
      };
      const end = (): void => {
        clearTimeout(limit);
        this.watchers.delete(look);
        resolve();
      };
      const limit = patience === undefined ? undefined : setTimeout(end, patience);
      this.watchers.add(look);
      look();
    });
    if (this.failure !== undefined) throw this.failure;
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.socket.destroy();
    this.notify();
  }

  private notify(): void {
    for (const watcher of this.watchers) watcher();
  }

  private take(decoder: FrameDecoder, chunk: Buffer): void {
    let answers = 0;
    try {
      decoder.push(chunk, (frame) => {
        answers++;
        this.count(frame);
        return true;
      });
    } catch (error) {
      return this.fail(error as Error);
    }
    if (!this.ending) this.write(answers);
    this.notify();
  }

  private count(answer: Buffer): void {
    const slot = opaqueOf(answer);
    if (this.busy[slot] !== 1) throw new Error(`frame ${slot} was answered, and none of that number is under way`);
    this.busy[slot] = 0;
    this.underWay--;
    if (isFailure(answer)) {
      this.failed++;
      return;
    }
    this.answered++;
    this.oracle?.acknowledge(this.sequences[slot]!);
  }

  /** Answers may come out of order: slots that still wait are skipped, and the frames between them are sent in one write. */
  private write(count: number): void {
    const { busy, block } = this;
    for (let left = count; left > 0;) {
      while (busy[this.next] === 1) this.next = (this.next + 1) % block.slots;
      const from = this.next;
      let to = from;
      for (; left > 0 && to < block.slots && busy[to] === 0; to++, left--) this.prepare(to);
      this.socket.write(block.frames(from, to));
      this.next = to % block.slots;
    }
    this.underWay += count;
  }

  private prepare(slot: number): void {
    this.busy[slot] = 1;
    if (this.oracle !== undefined)
      this.sequences[slot] = this.oracle.stamp(this.block.bodies[slot]!, this.block.bodiesWithoutCrc[slot]!);
  }
}
