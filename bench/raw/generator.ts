// Owns a load without a client's cost: frames encoded once, so many under way on one connection, answers only counted
// and their codes looked at.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  BINARY_TYPE,
  emptyFields,
  encodeFrame,
  FrameDecoder,
  OUR_LANGUAGE,
  OUR_VERSION,
  Requests,
  ResponseCode,
  type SerializeType,
} from '@nest-rocketmq/remoting';

/** Frames in the block that is written from, round and round. */
const BLOCK = 1024;
/** Of a frame: 0 for a JSON header, 1 for a binary one. */
const HEADER_TYPE_AT = 4;
/** In a binary header the code's two bytes stand right after the frame's head of eight. */
const BINARY_CODE_AT = 8;

export interface Load {
  /** host:port of the broker */
  address: string;
  topic: string;
  queues: number;
  /** Body, bytes. */
  size: number;
  /** Requests under way. */
  depth: number;
  serializeType: SerializeType;
}

function sendFrame(load: Load, i: number): Buffer {
  const fields = {
    a: 'raw',
    b: load.topic,
    c: 'TBW102',
    d: '4',
    f: '0',
    h: '0',
    i: '',
    j: '0',
    k: 'false',
    m: 'false',
  };
  return encodeFrame({
    code: Requests.SEND_MESSAGE_V2.code,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque: i,
    flag: 0,
    remark: undefined,
    extFields: Object.assign(emptyFields(), fields, { e: String(i % load.queues), g: String(Date.now()) }),
    body: Buffer.alloc(load.size, 'x'),
    serializeType: load.serializeType,
  });
}

/** Apache answers with a JSON header, whatever it was asked with. */
function isFailure(answer: Buffer): boolean {
  if (answer[HEADER_TYPE_AT] === BINARY_TYPE) return answer.readInt16BE(BINARY_CODE_AT) !== ResponseCode.SUCCESS;
  return !answer.includes('"code":0,');
}

export class Generator {
  /** Sends answered with success. */
  answered = 0;
  failed = 0;
  private readonly frames: Buffer;
  private readonly starts: number[] = [];
  private next = 0;
  private ending = false;

  private constructor(
    private readonly socket: Socket,
    load: Load,
  ) {
    const frames = Array.from({ length: BLOCK }, (_, i) => sendFrame(load, i));
    this.frames = Buffer.concat(frames);
    let at = 0;
    for (const frame of frames) {
      this.starts.push(at);
      at += frame.length;
    }
    this.starts.push(at);
  }

  static async start(load: Load): Promise<Generator> {
    const [host, port] = load.address.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const generator = new Generator(socket, load);
    const decoder = new FrameDecoder();
    socket.on('data', (chunk) => generator.count(decoder, chunk));
    generator.write(load.depth);
    return generator;
  }

  /** Sends no more; resolves when the connection is closed. */
  async stop(): Promise<void> {
    this.ending = true;
    this.socket.end();
    await once(this.socket, 'close');
  }

  private count(decoder: FrameDecoder, chunk: Buffer): void {
    let answers = 0;
    decoder.push(chunk, (frame) => {
      answers++;
      if (isFailure(frame)) this.failed++;
      else this.answered++;
      return true;
    });
    if (!this.ending) this.write(answers);
  }

  private write(count: number): void {
    for (let left = count; left > 0;) {
      const here = Math.min(left, BLOCK - this.next);
      this.socket.write(this.frames.subarray(this.starts[this.next], this.starts[this.next + here]));
      this.next = (this.next + here) % BLOCK;
      left -= here;
    }
  }
}
