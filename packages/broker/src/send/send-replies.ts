// Sends the answers to sends when their records are stored. An answer is encoded when its record is appended; after a
// commit all answers of a turn to one connection leave in one write.
import { FRAME_HEAD, ResponseCode, decodeFrame } from '@nest-rocketmq/remoting/internal';
import type { Connection, HostPort, SerializeType } from '@nest-rocketmq/remoting/internal';
import { OFFSET_DIGITS, binaryParts, jsonParts } from './send-reply-parts.js';
import type { BinaryParts, JsonParts } from './send-reply-parts.js';

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
  // Runs of answers to one connection, oldest first; parallel, so that a run is no object.
  readonly #connections: Connection[] = [];
  readonly #frames: Buffer[] = [];
  readonly #ends: number[] = [];
  // The run that is growing: to whom, from where in the slab, and up to where its records reach in the log.
  #growing: Connection | undefined;
  #growingStart = 0;
  #growingEnd = 0;
  readonly #seal = (): void => this.#endRun();

  constructor(options: SendRepliesOptions) {
    const host = options.storeHost.address.toString('hex') + options.storeHost.port.toString(16).padStart(8, '0');
    const tail = { MSG_REGION: options.regionId, TRACE_ON: String(options.traceOn) };
    this.#binary = binaryParts(host.toUpperCase(), tail);
    this.#json = jsonParts(host.toUpperCase(), tail);
  }

  /** Queues the answer until all of the log before `end` has been committed. */
  add(connection: Connection, end: number, reply: SendReply): void {
    const longest = REPLY_BYTES + 6 * (reply.transactionId?.length ?? 0) + (reply.recallHandle?.length ?? 0);
    if (this.#growing !== connection || this.#slab.length - this.#at < longest) this.#beginRun(connection, longest);
    if (reply.serializeType === 'binary') this.#writeBinary(reply);
    else this.#writeJson(reply);
    this.#growingEnd = end;
  }

  /** Sends the answers whose records are stored; with `failure`, tells the others that theirs are not. */
  committed(upTo: number, failure?: Error): void {
    this.#endRun();
    let done = 0;
    while (done < this.#ends.length && this.#ends[done]! <= upTo) {
      this.#connections[done]!.write(this.#frames[done]!);
      done++;
    }
    if (failure) for (; done < this.#ends.length; done++) this.#refuse(this.#connections[done]!, this.#frames[done]!);
    this.#connections.splice(0, done);
    this.#frames.splice(0, done);
    this.#ends.splice(0, done);
  }

  #beginRun(connection: Connection, longest: number): void {
    this.#endRun();
    if (this.#slab.length - this.#at < longest) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, longest));
      this.#at = 0;
    }
    this.#growing = connection;
    this.#growingStart = this.#at;
    // A run ends with the turn that it began in: its first answer must not wait for the records of later turns.
    queueMicrotask(this.#seal);
  }

  #endRun(): void {
    if (!this.#growing) return;
    this.#connections.push(this.#growing);
    this.#frames.push(this.#slab.subarray(this.#growingStart, this.#at));
    this.#ends.push(this.#growingEnd);
    this.#growing = undefined;
  }

  /** Answers with an error instead: the frames were encoded as successes. */
  #refuse(connection: Connection, frames: Buffer): void {
    for (let at = 0; at < frames.length; at += frames.readUInt32BE(at) + 4) {
      const reply = decodeFrame(frames.subarray(at, at + frames.readUInt32BE(at) + 4));
      const remark = 'the message could not be stored: the disk refused it';
      connection.answer(reply, undefined, { code: ResponseCode.SERVICE_NOT_AVAILABLE, remark });
    }
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
