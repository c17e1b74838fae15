// Encodes SEND_MESSAGE_V2 frames once, side by side in one block: slot i is the frame whose opaque is i.
import {
  emptyFields,
  encodeFrame,
  OUR_LANGUAGE,
  OUR_VERSION,
  Requests,
  type SerializeType,
} from '@nest-rocketmq/remoting/internal';

/** Slots of a block; more when there are more queues than that to reach. */
const SMALLEST_BLOCK = 1024;

export interface Load {
  /** host:port of the broker */
  address: string;
  /** Sent to in turn. */
  topics: readonly string[];
  /** Of each topic. */
  queues: number;
  /** Body, bytes. */
  size: number;
  /** Requests under way. */
  depth: number;
  serializeType: SerializeType;
  /** Encoded properties of each message. Default: none. */
  properties?: string;
}

function sendFrame(load: Load, slot: number): Buffer {
  const fields = {
    a: 'raw',
    b: load.topics[slot % load.topics.length],
    c: 'TBW102',
    d: '4',
    e: String(Math.floor(slot / load.topics.length) % load.queues),
    f: '0',
    g: String(Date.now()),
    h: '0',
    i: load.properties ?? '',
    j: '0',
    k: 'false',
    m: 'false',
  };
  return encodeFrame({
    code: Requests.SEND_MESSAGE_V2.code,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque: slot,
    flag: 0,
    remark: undefined,
    extFields: Object.assign(emptyFields(), fields),
    body: Buffer.alloc(load.size, 'x'),
    serializeType: load.serializeType,
  });
}

export class SendBlock {
  readonly slots: number;
  /** Of each slot, what of the block is its body; and that without the last four bytes. */
  readonly bodies: Buffer[] = [];
  readonly bodiesWithoutCrc: Buffer[] = [];
  private readonly bytes: Buffer;
  private readonly starts: number[] = [];

  constructor(load: Load) {
    const all = load.topics.length * load.queues;
    this.slots = all * Math.ceil(SMALLEST_BLOCK / all);
    const frames = Array.from({ length: this.slots }, (_, slot) => sendFrame(load, slot));
    this.bytes = Buffer.concat(frames);
    let at = 0;
    for (const frame of frames) {
      this.starts.push(at);
      at += frame.length;
      this.bodies.push(this.bytes.subarray(at - load.size, at));
      this.bodiesWithoutCrc.push(this.bytes.subarray(at - load.size, at - 4));
    }
    this.starts.push(at);
  }

  /** The encoded frames of a range of slots. */
  frames(from: number, to: number): Buffer {
    return this.bytes.subarray(this.starts[from], this.starts[to]);
  }
}
