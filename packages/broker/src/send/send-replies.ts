// Sends the answers to sends when their records are stored. An answer is encoded when its record is appended; after a
// commit all answers of a turn to one connection leave in one write. They are encoded in memory that is used again for each
// turn: with new memory for each, V8 stopped the thread five times a second for its collector.
import { FRAME_HEAD, ResponseCode, copyBytes, decodeFrame } from '@nest-rocketmq/remoting/internal';
import type { Connection, HostPort } from '@nest-rocketmq/remoting/internal';
import { BinaryReply, digitsOf, writeDecimal, writeOffset } from './binary-reply.js';
import { OFFSET_DIGITS, binaryParts, jsonParts } from './send-reply-parts.js';
import type { JsonParts, SendReply } from './send-reply-parts.js';
import type { CommitWaiter, MessageStore } from '../store/store.js';

const SLAB_BYTES = 256 * 1024;
/** Longest answer, bytes, without the transaction id. */
const REPLY_BYTES = 1024;

export interface SendRepliesOptions {
  storeHost: HostPort;
  regionId: string;
  traceOn: boolean;
}

export class SendReplies {
  readonly #binary: BinaryReply;
  readonly #json: JsonParts;
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #at = 0;
  #growing: Run | undefined;
  /** Runs in the slab that have not been sent. */
  #waiting = 0;
  readonly #sent = (slab: Buffer): void => {
    if (slab === this.#slab) this.#waiting--;
  };
  readonly #seal = (): void => void (this.#growing = undefined);

  /** @param store tells when records are stored */
  constructor(
    options: SendRepliesOptions,
    private readonly store: Pick<MessageStore, 'whenCommitted'>,
  ) {
    const host = options.storeHost.address.toString('hex') + options.storeHost.port.toString(16).padStart(8, '0');
    const tail = { MSG_REGION: options.regionId, TRACE_ON: String(options.traceOn) };
    this.#binary = new BinaryReply(binaryParts(host.toUpperCase(), tail));
    this.#json = jsonParts(host.toUpperCase(), tail);
  }

  /** Queues the answer until all of the log before `end` has been committed. */
  add(connection: Connection, end: number, reply: SendReply): void {
    const longest = REPLY_BYTES + 6 * (reply.idEnd - reply.idStart) + (reply.recallHandle?.length ?? 0);
    let run = this.#growing;
    if (run?.connection !== connection || run.settled || this.#slab.length - this.#at < longest)
      run = this.#beginRun(connection, longest);
    if (reply.serializeType === 'binary') this.#at = this.#binary.write(this.#slab, this.#at, reply);
    else {
      // This may overwrite the last answer in binary form.
      this.#binary.forget();
      this.#writeJson(reply);
    }
    run.end = end;
    run.to = this.#at;
  }

  #beginRun(connection: Connection, longest: number): Run {
    if (this.#waiting === 0) this.#at = 0;
    if (this.#slab.length - this.#at < longest) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, longest));
      this.#at = this.#waiting = 0;
    }
    const run = new Run(connection, this.#slab, this.#at, this.#sent);
    this.#growing = run;
    this.#waiting++;
    this.store.whenCommitted(run);
    // A run ends with the turn that it began in: its first answer must not wait for the records of later turns.
    queueMicrotask(this.#seal);
    return run;
  }

  #writeJson(reply: SendReply): void {
    const { msgId, queueId, queueOffset, transactionId, recallHandle, tail, end } = this.#json;
    const start = this.#at;
    this.#at += FRAME_HEAD;
    this.#copy(msgId);
    writeOffset(this.#slab, reply.physicalOffset, this.#at);
    this.#at += OFFSET_DIGITS;
    this.#copy(queueId);
    this.#plain(reply.queueId);
    this.#copy(queueOffset);
    this.#plain(reply.queueOffset);
    if (reply.idEnd > reply.idStart) {
      this.#copy(transactionId);
      const id = reply.idIn.subarray(reply.idStart, reply.idEnd);
      this.#copy(isPlain(id) ? id : Buffer.from(JSON.stringify(id.toString('utf8')).slice(1, -1), 'utf8'));
    }
    if (reply.recallHandle !== undefined) {
      this.#copy(recallHandle);
      this.#ascii(reply.recallHandle);
    }
    this.#copy(tail);
    if (reply.opaque < 0) this.#slab[this.#at++] = 0x2d;
    this.#plain(Math.abs(reply.opaque));
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

  #plain(value: number): void {
    const digits = digitsOf(value);
    this.#at += digits;
    writeDecimal(this.#slab, value, this.#at);
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
    /** Called when the slab's part is not needed any more. */
    private readonly sent: (slab: Buffer) => void,
  ) {
    this.to = from;
  }

  settle(failure: Error | undefined): void {
    this.settled = true;
    const { connection, slab, from, to } = this;
    if (failure) refuse(connection, slab.subarray(from, to));
    else if (!connection.closed) {
      const frames = connection.memory(to - from);
      copyBytes(slab, from, to, frames, 0);
      connection.write(frames);
    }
    this.sent(slab);
  }
}

/** Refuses the sends of these answers, which were encoded as successes. */
function refuse(connection: Connection, frames: Buffer): void {
  for (let at = 0; at < frames.length; at += frames.readUInt32BE(at) + 4) {
    const reply = decodeFrame(frames.subarray(at, at + frames.readUInt32BE(at) + 4));
    const remark = 'the message could not be stored: the disk refused it';
    connection.answer(reply, undefined, { code: ResponseCode.SERVICE_NOT_AVAILABLE, remark });
  }
}
