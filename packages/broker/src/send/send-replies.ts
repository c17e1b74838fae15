// Sends the answers to sends when their records are stored. An answer is encoded when its record is appended; after a
// commit all answers of a turn to one connection leave in one write.
import { FRAME_HEAD, ResponseCode, decodeFrame } from '@nest-rocketmq/remoting/internal';
import type { Connection, HostPort, SerializeType } from '@nest-rocketmq/remoting/internal';
import { OFFSET_DIGITS, binaryParts, jsonParts } from './send-reply-parts.js';
import type { BinaryParts, JsonParts } from './send-reply-parts.js';
import type { CommitWaiter, MessageStore } from '../store/store.js';

const SLAB_BYTES = 256 * 1024;
/** Longest answer, bytes, without the transaction id. */
const REPLY_BYTES = 1024;
const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
const ZERO = 48;
const MOST_DIGITS = 16;
const OPAQUE_AT = 5;
const FIELDS_LENGTH_AT = 17;

/** The values of an answer to a send. */
export interface SendReply {
  opaque: number;
  serializeType: SerializeType;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  /** Bytes of UNIQ_KEY, if the message has one. */
  transactionId: Buffer | undefined;
  /** Of a message that waits for a time of its own. */
  recallHandle: string | undefined;
}

export interface SendRepliesOptions {
  storeHost: HostPort;
  regionId: string;
  traceOn: boolean;
}

export class SendReplies {
  readonly #binary: BinaryParts;
  readonly #json: JsonParts;
  readonly #digits = Buffer.alloc(MOST_DIGITS);
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #at = 0;
  #growing: Run | undefined;
  readonly #seal = (): void => void (this.#growing = undefined);

  /** @param store tells when records are stored */
  constructor(
    options: SendRepliesOptions,
    private readonly store: Pick<MessageStore, 'whenCommitted'>,
  ) {
    const host = options.storeHost.address.toString('hex') + options.storeHost.port.toString(16).padStart(8, '0');
    const tail = { MSG_REGION: options.regionId, TRACE_ON: String(options.traceOn) };
    this.#binary = binaryParts(host.toUpperCase(), tail);
    this.#json = jsonParts(host.toUpperCase(), tail);
  }

  /** Queues the answer until all of the log before `end` has been committed. */
  add(connection: Connection, end: number, reply: SendReply): void {
    const longest = REPLY_BYTES + 6 * (reply.transactionId?.length ?? 0) + (reply.recallHandle?.length ?? 0);
    let run = this.#growing;
    if (run?.connection !== connection || run.settled || this.#slab.length - this.#at < longest)
      run = this.#beginRun(connection, longest);
    if (reply.serializeType === 'binary') this.#writeBinary(reply);
    else this.#writeJson(reply);
    run.end = end;
    run.to = this.#at;
  }

  #beginRun(connection: Connection, longest: number): Run {
    if (this.#slab.length - this.#at < longest) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, longest));
      this.#at = 0;
    }
    const run = new Run(connection, this.#slab, this.#at);
    this.#growing = run;
    this.store.whenCommitted(run);
    // A run ends with the turn that it began in: its first answer must not wait for the records of later turns.
    queueMicrotask(this.#seal);
    return run;
  }

  #writeBinary(reply: SendReply): void {
    const { msgId, queueId, queueOffset, transactionId, recallHandle, tail } = this.#binary;
    const start = this.#at;
    this.#copy(msgId);
    this.#slab.writeInt32BE(reply.opaque, start + FRAME_HEAD + OPAQUE_AT);
    this.#hex(reply.physicalOffset);
    this.#copy(queueId);
    this.#sized(this.#decimal(reply.queueId));
    this.#copy(queueOffset);
    this.#sized(this.#decimal(reply.queueOffset));
    if (reply.transactionId) {
      this.#copy(transactionId);
      this.#slab.writeInt32BE(reply.transactionId.length, this.#at);
      this.#at += 4;
      this.#copy(reply.transactionId);
    }
    if (reply.recallHandle !== undefined) {
      this.#copy(recallHandle);
      this.#slab.writeInt32BE(reply.recallHandle.length, this.#at);
      this.#at += 4;
      this.#ascii(reply.recallHandle);
    }
    this.#copy(tail);
    this.#slab.writeUInt32BE(this.#at - start - 4, start);
    this.#slab.writeUInt32BE((1 << 24) | (this.#at - start - FRAME_HEAD), start + 4);
    this.#slab.writeInt32BE(
      this.#at - start - FRAME_HEAD - FIELDS_LENGTH_AT - 4,
      start + FRAME_HEAD + FIELDS_LENGTH_AT,
    );
  }

  #writeJson(reply: SendReply): void {
    const { msgId, queueId, queueOffset, transactionId, recallHandle, tail, end } = this.#json;
    const start = this.#at;
    this.#at += FRAME_HEAD;
    this.#copy(msgId);
    this.#hex(reply.physicalOffset);
    this.#copy(queueId);
    this.#plain(this.#decimal(reply.queueId));
    this.#copy(queueOffset);
    this.#plain(this.#decimal(reply.queueOffset));
    if (reply.transactionId) {
      this.#copy(transactionId);
      if (isPlain(reply.transactionId)) this.#copy(reply.transactionId);
      else this.#copy(Buffer.from(JSON.stringify(reply.transactionId.toString('utf8')).slice(1, -1), 'utf8'));
    }
    if (reply.recallHandle !== undefined) {
      this.#copy(recallHandle);
      this.#ascii(reply.recallHandle);
    }
    this.#copy(tail);
    if (reply.opaque < 0) this.#slab[this.#at++] = 0x2d;
    this.#plain(this.#decimal(Math.abs(reply.opaque)));
    this.#copy(end);
    this.#slab.writeUInt32BE(this.#at - start - 4, start);
    this.#slab.writeUInt32BE(this.#at - start - FRAME_HEAD, start + 4);
  }

  #copy(bytes: Buffer): void {
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #ascii(text: string): void {
    this.#at += this.#slab.write(text, this.#at, 'latin1');
  }

  #hex(offset: number): void {
    let rest = offset;
    for (let at = this.#at + OFFSET_DIGITS - 1; at >= this.#at; at--) {
      const high = Math.floor(rest / 16);
      this.#slab[at] = HEX[rest - high * 16]!;
      rest = high;
    }
    this.#at += OFFSET_DIGITS;
  }

  /** Puts the digits at the end of `#digits`, and gives back how many there are. */
  #decimal(value: number): number {
    let rest = value;
    let count = 0;
    do {
      const tens = Math.floor(rest / 10);
      this.#digits[MOST_DIGITS - ++count] = ZERO + rest - tens * 10;
      rest = tens;
    } while (rest > 0);
    return count;
  }

  #sized(digits: number): void {
    this.#slab.writeInt32BE(digits, this.#at);
    this.#at += 4;
    this.#plain(digits);
  }

  #plain(digits: number): void {
    for (let at = MOST_DIGITS - digits; at < MOST_DIGITS; at++) this.#slab[this.#at++] = this.#digits[at]!;
  }
}

/** Whether the bytes stand in JSON as they are. */
function isPlain(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false;
  return true;
}

/** Answers to one connection that are next to each other in memory. */
class Run implements CommitWaiter {
  /** Where the record of the last one ends in the commit log. */
  end = 0;
  /** Where the last one ends in the slab. */
  to: number;
  settled = false;

  constructor(
    readonly connection: Connection,
    private readonly slab: Buffer,
    private readonly from: number,
  ) {
    this.to = from;
  }

  settle(failure: Error | undefined): void {
    this.settled = true;
    const frames = this.slab.subarray(this.from, this.to);
    if (failure) refuse(this.connection, frames);
    else this.connection.write(frames);
  }
}

/** The answers were written as if all had gone well: each becomes its opposite. */
function refuse(connection: Connection, frames: Buffer): void {
  for (let at = 0; at < frames.length; at += frames.readUInt32BE(at) + 4) {
    const reply = decodeFrame(frames.subarray(at, at + frames.readUInt32BE(at) + 4));
    const remark = 'the message could not be stored: the disk refused it';
    connection.answer(reply, undefined, { code: ResponseCode.SERVICE_NOT_AVAILABLE, remark });
  }
}
