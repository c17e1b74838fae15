// Stands between clients and servers, and does to chosen requests and their answers what networks and peers do. Works on
// any pair of streams: sockets, and pairs within the process.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  FrameDecoder,
  NO_BODY,
  RESPONSE_FLAG,
  ResponseCode,
  decodeFrame,
  emptyFields,
  encodeFrame,
  isOneway,
  isResponse,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, RemotingCommand, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { Random } from '../crash/random.js';
import { ANNOUNCED, HOSTILE_FRAMES } from './hostile-frames.js';

/** What may befall a request, whether it is answered or not. */
export const REQUEST_FAULTS = [
  'is lost',
  'comes late',
  'comes twice',
  'is cut',
  'meets a reset',
  'is followed by a reset',
  'is followed by silence',
] as const;
/** What may befall the answer to a request. */
export const ANSWER_FAULTS = [
  'gets no answer',
  'gets its answer late',
  'gets its answer twice',
  'gets half an answer',
  'gets its answer byte by byte',
  'gets garbage',
  'gets an answer without fields',
  'is refused',
] as const;
export type Fault = (typeof REQUEST_FAULTS)[number] | (typeof ANSWER_FAULTS)[number];

/** From one end to the other. */
interface Way {
  readonly from: Duplex;
  readonly to: Duplex;
  /** By opaque: what befalls the answer, which goes the other way. */
  readonly answers: Map<number, Fault>;
}

interface Link {
  readonly client: Duplex;
  readonly server: Duplex;
  silent: boolean;
}

export interface LinkOptions {
  clock: Clock;
  /** Where frames are cut, and what garbage there is. */
  random: Random;
  /** Longer than any time-out, ms. */
  late: number;
  /** Whether garbage may be the beginning of a large frame, for whose end a client waits 30 s. Default true. */
  announces?: boolean;
}

export class FaultyLinks {
  /** How often a fault has been done. */
  done = 0;
  readonly #links = new Set<Link>();
  readonly #timers = new Set<TimerHandle>();
  #armed: { fault: Fault; code: number; times: number } | undefined;

  constructor(private readonly options: LinkOptions) {}

  /** The next `times` requests with this code meet the fault, whichever end sends them. */
  arm(fault: Fault, code: number, times: number): void {
    this.#armed = { fault, code, times };
  }

  disarm(): void {
    this.#armed = undefined;
  }

  /** Streams to clients that are open. */
  get open(): number {
    return [...this.#links].filter(({ client }) => !client.destroyed).length;
  }

  /** Ends what the faults have left. */
  close(): void {
    for (const timer of this.#timers) this.options.clock.clearTimeout(timer);
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  /** @param client the stream to the client @param server the stream to the server */
  join(client: Duplex, server: Duplex): void {
    const link: Link = { client, server, silent: false };
    this.#links.add(link);
    client.once('close', () => link.server.destroyed && this.#links.delete(link));
    server.once('close', () => link.client.destroyed && this.#links.delete(link));
    const [asked, answered] = [new Map<number, Fault>(), new Map<number, Fault>()];
    this.#carry(link, { from: client, to: server, answers: asked }, answered);
    this.#carry(link, { from: server, to: client, answers: answered }, asked);
    client.on('error', () => undefined).on('close', () => server.destroy());
    // A peer that is gone without a word does not say that it closes.
    server.on('error', () => undefined).on('close', () => link.silent || client.destroy());
    client.on('end', () => server.end());
    server.on('end', () => link.silent || client.end());
  }

  /** @param faults what befalls answers that go this way */
  #carry(link: Link, way: Way, faults: Map<number, Fault>): void {
    const frames = new FrameDecoder();
    way.from.on('data', (chunk: Buffer) =>
      frames.push(chunk, (shared) => {
        const frame = Buffer.from(shared);
        const command = decodeFrame(frame);
        if (link.silent || way.to.destroyed) return true;
        if (isResponse(command)) this.#onAnswer(way, frame, command, faults);
        else this.#onRequest(link, way, frame, command);
        return true;
      }),
    );
  }

  #onRequest(link: Link, way: Way, frame: Buffer, command: RemotingCommand): void {
    const armed = this.#armed;
    if (!armed || command.code !== armed.code || armed.times === 0) return void way.to.write(frame);
    armed.times--;
    this.done++;
    const { to, from } = way;
    switch (armed.fault) {
      case 'is lost':
        return;
      case 'comes late':
        return this.#later(() => to.destroyed || to.write(frame));
      case 'comes twice':
        return void to.write(Buffer.concat([frame, frame]));
      case 'is cut':
        to.write(this.#part(frame));
        return reset(from, to);
      case 'meets a reset':
        return reset(from, to);
      case 'is followed by a reset':
        to.write(frame);
        setImmediate(() => reset(from, to));
        return;
      case 'is followed by silence':
        to.write(frame);
        link.silent = true;
        return;
      case 'is refused':
        if (!isOneway(command)) from.write(refusal(command));
        return;
      default:
        way.answers.set(command.opaque, armed.fault);
        to.write(frame);
    }
  }

  #onAnswer(way: Way, frame: Buffer, command: RemotingCommand, faults: Map<number, Fault>): void {
    const fault = faults.get(command.opaque);
    faults.delete(command.opaque);
    const { to } = way;
    switch (fault) {
      case undefined:
        return void to.write(frame);
      case 'gets no answer':
        return;
      case 'gets its answer late':
        return this.#later(() => to.destroyed || to.write(frame));
      case 'gets its answer twice':
        return void to.write(Buffer.concat([frame, frame]));
      case 'gets half an answer':
        return void to.end(this.#part(frame));
      case 'gets its answer byte by byte':
        for (const byte of frame) to.write(Buffer.of(byte));
        return;
      case 'gets garbage':
        return void to.write(this.#garbage(frame));
      case 'gets an answer without fields':
        return void to.write(encodeFrame({ ...command, extFields: emptyFields(), body: Buffer.from('{') }));
      default:
        throw new Error(`${fault} is not for answers`);
    }
  }

  #later(fn: () => void): void {
    const timer = this.options.clock.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, this.options.late);
    this.#timers.add(timer);
  }

  #part(frame: Buffer): Buffer {
    return frame.subarray(0, this.options.random.integer(1, frame.length - 1));
  }

  /** Bytes at random, bytes that no honest peer sends, or a header that is none. */
  #garbage(frame: Buffer): Buffer {
    const { random, announces = true } = this.options;
    const kind = random.integer(0, 4);
    if (kind === 0) return Buffer.from(Array.from(frame, () => random.integer(0, 255)));
    if (kind === 1) return Buffer.from(frame).fill(0x7b, 8);
    // What follows is taken for a part of it.
    if (kind === 2 && announces) return Buffer.concat([ANNOUNCED, frame]);
    return Buffer.concat([random.pick(HOSTILE_FRAMES)[1], frame]);
  }
}

function reset(...streams: Duplex[]): void {
  for (const stream of streams) {
    if (stream instanceof Socket) stream.resetAndDestroy();
    else stream.destroy();
  }
}

function refusal(command: RemotingCommand): Buffer {
  return encodeFrame({
    ...command,
    code: ResponseCode.SYSTEM_ERROR,
    flag: RESPONSE_FLAG,
    remark: 'refused by the network',
    extFields: emptyFields(),
    body: NO_BODY,
  });
}
