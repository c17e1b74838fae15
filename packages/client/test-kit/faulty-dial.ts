// Stands between a client and its brokers, and does to one request or answer what networks do.
import type { Duplex } from 'node:stream';
import { FrameDecoder, decodeFrame, duplexPair, encodeFrame, isResponse } from '@nest-rocketmq/remoting/internal';
import type { Clock, Dial, RemotingCommand, TimerHandle } from '@nest-rocketmq/remoting/internal';

export const FAULTS = [
  'a request cut mid-frame',
  'an answer cut mid-frame',
  'a peer that is gone without a word',
  'a delay',
  'an answer byte by byte',
  'garbage for an answer',
  'an answer after its time-out',
  'answers out of order',
  'an answer twice',
  'a reset after the request',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Shorter than any time-out of a client. */
const DELAY_MS = 500;
/** Longer than any time-out of a client, also that of a pull which brokers hold. */
const LATE_MS = 60_000;

interface Link {
  readonly client: Duplex;
  readonly broker: Duplex;
  /** By opaque: what befalls the answer. */
  readonly faults: Map<number, Fault>;
  silent: boolean;
}

export class FaultyDial {
  /** How often a fault has been done. */
  done = 0;
  readonly #links = new Set<Link>();
  readonly #timers = new Set<TimerHandle>();
  #armed: { fault: Fault; code: number; times: number } | undefined;

  /** @param random from 0 to 1: where frames are cut, and what garbage there is */
  constructor(
    private readonly inner: Dial,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  /** The next `times` requests with this code meet the fault. */
  arm(fault: Fault, code: number, times: number): void {
    this.#armed = { fault, code, times };
  }

  /** Connections that the client has not closed. */
  get open(): number {
    return [...this.#links].filter(({ client }) => !client.destroyed).length;
  }

  /** Ends what the faults have left, so that timers which remain are the client's. */
  close(): void {
    for (const timer of this.#timers) this.clock.clearTimeout(timer);
    for (const { broker } of this.#links) broker.destroy();
  }

  readonly dial: Dial = async (address) => {
    const broker = await this.inner(address);
    const [ours, client] = duplexPair();
    const link: Link = { client, broker, faults: new Map(), silent: false };
    this.#links.add(link);
    const [requests, answers] = [new FrameDecoder(), new FrameDecoder()];
    client.on('data', (chunk: Buffer) => requests.push(chunk, (frame) => this.#onRequest(link, frame)));
    broker.on('data', (chunk: Buffer) => answers.push(chunk, (frame) => this.#onAnswer(link, frame)));
    client.on('error', () => undefined).on('close', () => broker.destroy());
    // A peer that is gone without a word does not say that it closes.
    broker.on('error', () => undefined).on('close', () => link.silent || client.destroy());
    return ours;
  };

  #onRequest(link: Link, frame: Buffer): boolean {
    if (link.silent || link.broker.destroyed) return true;
    const command = decodeFrame(frame);
    const armed = this.#armed;
    if (!armed || isResponse(command) || command.code !== armed.code || armed.times === 0) {
      link.broker.write(Buffer.from(frame));
      return true;
    }
    armed.times--;
    this.done++;
    if (armed.fault === 'a request cut mid-frame') {
      link.broker.write(this.#part(frame));
      link.client.destroy();
      return true;
    }
    link.broker.write(Buffer.from(frame));
    if (armed.fault === 'a reset after the request') setImmediate(() => link.client.destroy());
    else if (armed.fault === 'a peer that is gone without a word') link.silent = true;
    else link.faults.set(command.opaque, armed.fault);
    return true;
  }

  #onAnswer(link: Link, frame: Buffer): boolean {
    if (link.silent) return true;
    const command = decodeFrame(frame);
    const fault = isResponse(command) ? link.faults.get(command.opaque) : undefined;
    const copy = Buffer.from(frame);
    if (!fault) {
      link.client.write(copy);
      return true;
    }
    link.faults.delete(command.opaque);
    this.#answer(link, fault, copy, command);
    return true;
  }

  #answer({ client }: Link, fault: Fault, frame: Buffer, command: RemotingCommand): void {
    switch (fault) {
      case 'an answer cut mid-frame':
        client.end(this.#part(frame));
        return;
      case 'a delay':
        return this.#later(DELAY_MS, () => client.write(frame));
      case 'an answer after its time-out':
        return this.#later(LATE_MS, () => client.write(frame));
      case 'an answer byte by byte':
        for (const byte of frame) client.write(Buffer.of(byte));
        return;
      case 'garbage for an answer':
        client.write(this.#garbage(frame, command));
        return;
      case 'answers out of order':
        return this.#later(1, () => client.write(frame));
      case 'an answer twice':
        client.write(Buffer.concat([frame, frame]));
        return;
      default:
        throw new Error(`${fault} is not for answers`);
    }
  }

  #later(ms: number, fn: () => void): void {
    const timer = this.clock.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, ms);
    this.#timers.add(timer);
  }

  #part(frame: Buffer): Buffer {
    return Buffer.from(frame.subarray(0, 1 + Math.floor(this.random() * (frame.length - 1))));
  }

  /** No frame at all, a length that is none, a header that is none, or an answer that lacks its fields and its body. */
  #garbage(frame: Buffer, command: RemotingCommand): Buffer {
    const kind = Math.floor(this.random() * 4);
    if (kind === 0) return Buffer.from(Array.from(frame, () => Math.floor(this.random() * 256)));
    if (kind === 1) return Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), frame]);
    if (kind === 2) return Buffer.from(frame).fill(0x7b, 8);
    return encodeFrame({ ...command, extFields: { queueOffset: 'x', nextBeginOffset: 'x' }, body: Buffer.from('{') });
  }
}
