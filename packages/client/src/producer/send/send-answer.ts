// Reads the answer to a send from the bytes of its frame: the hot path. A test holds that it reads the same as the request
// table; any answer that is written in another way than brokers write it is left to that.
import { FRAME_HEAD, MAX_EXT_FIELDS } from '@nest-rocketmq/remoting/internal';

const REMARK_LENGTH_AT = FRAME_HEAD + 13;
const FIELDS_LENGTH_AT = FRAME_HEAD + 17;
const FIELDS_AT = FRAME_HEAD + 21;
const ZERO = 48;
/** More could exceed 2^53, or a field of 32 bits. */
const MOST_DIGITS = 15;
const MOST_INT_DIGITS = 9;

const bytesOf = (name: string): Buffer => Buffer.from(name, 'latin1');
const MSG_ID = bytesOf('msgId');
const QUEUE_ID = bytesOf('queueId');
const QUEUE_OFFSET = bytesOf('queueOffset');
const TRANSACTION_ID = bytesOf('transactionId');
const RECALL_HANDLE = bytesOf('recallHandle');
const MSG_REGION = bytesOf('MSG_REGION');
const TRACE_ON = bytesOf('TRACE_ON');
const BATCH_UNIQ_ID = bytesOf('batchUniqId');
const FALSE = bytesOf('false');

/** Is filled again for each answer, which saves garbage. */
export class SendAnswer {
  msgId = '';
  /** -1 where the answer has none. */
  queueId = -1;
  queueOffset = -1;
  transactionId: string | undefined;
  recallHandle: string | undefined;
  /** Undefined where the answer has none. */
  region: string | undefined;
  traceOn = true;
  #regionBytes: Buffer = Buffer.alloc(0);
  #regionText = '';

  /**
   * @param frame one whole frame with a binary header
   * @param sentId the message's own id, which brokers give back as its transaction id
   * @returns false when the answer is no success, or is written in another way than usual: then nothing of it counts
   */
  read(frame: Buffer, sentId: string): boolean {
    if (frame.length < FIELDS_AT || frame[FRAME_HEAD] !== 0 || frame[FRAME_HEAD + 1] !== 0) return false;
    if (readInt(frame, REMARK_LENGTH_AT) !== 0) return false;
    const end = FIELDS_AT + readInt(frame, FIELDS_LENGTH_AT);
    const headerEnd = FRAME_HEAD + (readInt(frame, 4) & 0xffffff);
    if (end !== headerEnd || end > frame.length) return false;
    this.#reset();
    let count = 0;
    let at = FIELDS_AT;
    while (at < end) {
      if (++count > MAX_EXT_FIELDS) return false;
      const keyEnd = at + 2 + ((frame[at]! << 8) | frame[at + 1]!);
      const valueEnd = keyEnd + 4 + (keyEnd + 4 <= end ? readInt(frame, keyEnd) : -1);
      // An empty value means "absent".
      if (valueEnd <= keyEnd + 4 || valueEnd > end) return false;
      if (!this.#field(frame, at + 2, keyEnd, keyEnd + 4, valueEnd, sentId)) return false;
      at = valueEnd;
    }
    return at === end && this.msgId !== '' && this.queueId >= 0 && this.queueOffset >= 0;
  }

  #reset(): void {
    this.msgId = '';
    this.queueId = this.queueOffset = -1;
    this.transactionId = this.recallHandle = this.region = undefined;
    this.traceOn = true;
  }

  /** @returns false for a field that is not known here */
  #field(frame: Buffer, key: number, keyEnd: number, start: number, end: number, sentId: string): boolean {
    if (isText(frame, key, keyEnd, QUEUE_OFFSET)) {
      this.queueOffset = integerOf(frame, start, end, MOST_DIGITS);
      return this.queueOffset >= 0;
    }
    if (isText(frame, key, keyEnd, QUEUE_ID)) {
      this.queueId = integerOf(frame, start, end, MOST_INT_DIGITS);
      return this.queueId >= 0;
    }
    if (isText(frame, key, keyEnd, MSG_ID)) this.msgId = frame.toString('utf8', start, end);
    else if (isText(frame, key, keyEnd, TRANSACTION_ID)) this.transactionId = textOf(frame, start, end, sentId);
    else if (isText(frame, key, keyEnd, MSG_REGION)) this.region = this.#regionOf(frame, start, end);
    else if (isText(frame, key, keyEnd, TRACE_ON)) this.traceOn = !isText(frame, start, end, FALSE);
    else if (isText(frame, key, keyEnd, RECALL_HANDLE)) this.recallHandle = frame.toString('utf8', start, end);
    else return isText(frame, key, keyEnd, BATCH_UNIQ_ID);
    return true;
  }

  /** A broker has one region, in all of its answers. */
  #regionOf(frame: Buffer, start: number, end: number): string {
    if (!isText(frame, start, end, this.#regionBytes)) {
      this.#regionBytes = Buffer.from(frame.subarray(start, end));
      this.#regionText = this.#regionBytes.toString('utf8');
    }
    return this.#regionText;
  }
}

function readInt(frame: Buffer, at: number): number {
  return (frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!;
}

function isText(frame: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) if (frame[start + index] !== text[index]) return false;
  return true;
}

/** The text that is expected, if it is that: it need not be made again. */
function textOf(frame: Buffer, start: number, end: number, expected: string): string {
  if (end - start !== expected.length) return frame.toString('utf8', start, end);
  for (let index = 0; index < expected.length; index++) {
    if (frame[start + index] !== expected.charCodeAt(index)) return frame.toString('utf8', start, end);
  }
  return expected;
}

/** -1 unless these are digits alone, and not too many. */
function integerOf(frame: Buffer, start: number, end: number, mostDigits: number): number {
  if (end - start > mostDigits) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = frame[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
