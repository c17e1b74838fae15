// Reads a send's header, V1 and V2, from the bytes of a frame or from decoded fields. One object is filled again for each
// message, which saves garbage. A test holds that it reads the same as the request table.
import {
  FRAME_HEAD,
  HeaderError,
  MAX_EXT_FIELDS,
  ONEWAY_FLAG,
  RESPONSE_FLAG,
  Requests,
  readInt,
  sendMessageFields,
  tooManyFields,
} from '@nest-rocketmq/remoting/internal';
import type { RemotingCommand, SerializeType } from '@nest-rocketmq/remoting/internal';
import { JsonHeaderScan } from './json-header-scan.js';
import type { JsonHeaderVisitor } from './json-header-scan.js';

/** From the header's start: opaque, flag, and the length of the remark. */
const OPAQUE_AT = 5;
const FLAG_AT = 9;
const REMARK_AT = 13;

/** Of the letters a to h: those that must be there. */
const REQUIRED = 0xff;
const LETTER_A = 97;

const LETTER_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(sendMessageFields).map(([letter, name]) => [name, letter.charCodeAt(0) - LETTER_A]),
);
const NAMES: readonly string[] = Object.values(sendMessageFields);
const EMPTY = Buffer.alloc(0);
const INT_MAX = 0x7fffffff;
const PROPERTIES = 8;
const OPAQUE = Buffer.from('opaque', 'latin1');
const FLAG = Buffer.from('flag', 'latin1');

export class SendHeader implements JsonHeaderVisitor {
  opaque = 0;
  oneway = false;
  serializeType: SerializeType = 'json';
  topic = '';
  defaultTopicQueueNums = 0;
  queueId = 0;
  sysFlag = 0;
  bornTimestamp = 0;
  flag = 0;
  /** Has the encoded properties from `propertiesStart` to `propertiesEnd`; is the frame's memory, or is used again. */
  propertiesIn: Buffer = EMPTY;
  propertiesStart = 0;
  propertiesEnd = 0;
  reconsumeTimes = 0;
  /** -1 where the header has none. */
  maxReconsumeTimes = -1;
  batch = false;
  body: Buffer = EMPTY;
  #source: Buffer = EMPTY;
  #defaultTopicStart = 0;
  #defaultTopicEnd = 0;
  #topicBytes: Buffer = EMPTY;
  #seen = 0;
  #isRequest = true;
  readonly #json = new JsonHeaderScan();

  /** Only wanted for a topic that does not exist, so only decoded then. */
  get defaultTopic(): string {
    return this.#source.toString('utf8', this.#defaultTopicStart, this.#defaultTopicEnd);
  }

  /** One whole frame with a binary header is in `bytes` from `start` to `frameEnd`. @throws HeaderError */
  readBinary(bytes: Buffer, start: number, frameEnd: number): void {
    this.#reset(bytes, 'binary');
    const header = start + FRAME_HEAD;
    const headerEnd = header + (readInt(bytes, start + 4) & 0xffffff);
    this.opaque = readInt(bytes, header + OPAQUE_AT);
    this.oneway = (bytes[header + FLAG_AT + 3]! & ONEWAY_FLAG) !== 0;
    this.body = bytes.subarray(headerEnd, frameEnd);
    const remarkLength = headerEnd >= header + REMARK_AT + 8 ? readInt(bytes, header + REMARK_AT) : -1;
    const fieldsAt = header + REMARK_AT + 4 + remarkLength;
    if (remarkLength < 0 || fieldsAt + 4 > headerEnd) throw new HeaderError('a binary header is cut off');
    const end = fieldsAt + 4 + readInt(bytes, fieldsAt);
    if (end > headerEnd) throw new HeaderError('the fields of a binary header are cut off');
    this.#readFields(bytes, fieldsAt + 4, end);
    this.#checkRequired();
  }

  #readFields(bytes: Buffer, start: number, end: number): void {
    let count = 0;
    for (let at = start; at < end;) {
      if (++count > MAX_EXT_FIELDS) throw new HeaderError(tooManyFields);
      const keyEnd = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
      if (keyEnd + 4 > end) throw new HeaderError('a field of a binary header is cut off');
      const valueAt = keyEnd + 4;
      const valueEnd = valueAt + readInt(bytes, keyEnd);
      if (valueEnd > end || valueEnd < valueAt) throw new HeaderError('a field of a binary header is cut off');
      // An empty value is no value: so Java writes null.
      if (valueEnd > valueAt) this.#value(letterOf(bytes, at + 2, keyEnd), bytes, valueAt, valueEnd);
      at = valueEnd;
    }
  }

  /**
   * @param frame one whole frame with a JSON header
   * @returns false when it is to be decoded in full instead: it is written in another way than usual, or is faulty
   */
  readJson(frame: Buffer): boolean {
    this.#reset(frame, 'json');
    this.opaque = 0;
    this.oneway = false;
    this.#isRequest = true;
    const headerEnd = FRAME_HEAD + (frame.readUInt32BE(4) & 0xffffff);
    this.body = frame.subarray(headerEnd);
    try {
      return this.#json.scan(frame, FRAME_HEAD, headerEnd, this) && this.#isRequest && this.#seen === REQUIRED;
    } catch (error) {
      if (error instanceof HeaderError) return false;
      throw error;
    }
  }

  /** @throws HeaderError */
  readCommand(command: RemotingCommand): void {
    const { extFields } = command;
    this.#reset(EMPTY, command.serializeType);
    this.opaque = command.opaque;
    this.oneway = (command.flag & ONEWAY_FLAG) !== 0;
    this.body = command.body;
    const row = command.code === Requests.SEND_MESSAGE.code ? NAMES : Object.keys(sendMessageFields);
    for (const [letter, name] of row.entries()) {
      const value = extFields[name];
      if (value === undefined) continue;
      const bytes = Buffer.from(value, 'utf8');
      this.#value(letter, bytes, 0, bytes.length);
    }
    this.#checkRequired();
  }

  #reset(source: Buffer, serializeType: SerializeType): void {
    this.#source = source;
    this.serializeType = serializeType;
    this.propertiesIn = EMPTY;
    this.propertiesStart = this.propertiesEnd = 0;
    this.reconsumeTimes = 0;
    this.maxReconsumeTimes = -1;
    this.batch = false;
    this.#seen = 0;
  }

  /** @internal of JsonHeaderScan */
  number(bytes: Buffer, nameStart: number, nameEnd: number, value: number): void {
    if (value > INT_MAX || value < -INT_MAX - 1) throw new HeaderError('a number of a header does not have 32 bits');
    if (nameEnd - nameStart === OPAQUE.length && same(bytes, nameStart, OPAQUE)) this.opaque = value;
    else if (nameEnd - nameStart === FLAG.length && same(bytes, nameStart, FLAG)) {
      this.oneway = (value & ONEWAY_FLAG) !== 0;
      this.#isRequest = (value & RESPONSE_FLAG) === 0;
    }
  }

  /** @internal of JsonHeaderScan */
  field(bytes: Buffer, nameStart: number, nameEnd: number, value: Buffer, valueStart: number, valueEnd: number): void {
    const letter = letterOf(bytes, nameStart, nameEnd);
    // Only the properties may stand in memory that the next field is read into.
    if (value !== bytes && letter !== PROPERTIES) throw new HeaderError(`header field <${NAMES[letter]}> is escaped`);
    this.#value(letter, value, valueStart, valueEnd);
  }

  /** @param letter 0 for a, 1 for b, … of V2's names */
  #value(letter: number, bytes: Buffer, start: number, end: number): void {
    if (letter >= 0 && letter < 8) this.#seen |= 1 << letter;
    switch (letter) {
      case 1:
        this.#setTopic(bytes, start, end);
        break;
      case 2:
        this.#source = bytes;
        this.#defaultTopicStart = start;
        this.#defaultTopicEnd = end;
        break;
      case 3:
        this.defaultTopicQueueNums = int(bytes, start, end, letter);
        break;
      case 4:
        this.queueId = int(bytes, start, end, letter);
        break;
      case 5:
        this.sysFlag = int(bytes, start, end, letter);
        break;
      case 6:
        this.bornTimestamp = integer(bytes, start, end, letter);
        break;
      case 7:
        this.flag = int(bytes, start, end, letter);
        break;
      case 8:
        this.propertiesIn = bytes;
        this.propertiesStart = start;
        this.propertiesEnd = end;
        break;
      case 9:
        this.reconsumeTimes = int(bytes, start, end, letter);
        break;
      case 11:
        this.maxReconsumeTimes = int(bytes, start, end, letter);
        break;
      case 12:
        this.batch = bytes.toString('latin1', start, end).toLowerCase() === 'true';
        break;
    }
  }

  /** Most messages go to the topic of the one before: its bytes are compared, and its string is used again. */
  #setTopic(bytes: Buffer, start: number, end: number): void {
    const last = this.#topicBytes;
    if (last.length === end - start && last.length > 0 && same(bytes, start, last)) return;
    this.#topicBytes = Buffer.from(bytes.subarray(start, end));
    this.topic = this.#topicBytes.toString('utf8');
  }

  #checkRequired(): void {
    if (this.#seen === REQUIRED) return;
    for (let letter = 0; letter < 8; letter++) {
      if (!(this.#seen & (1 << letter))) throw new HeaderError(`the custom field <${NAMES[letter]}> is null`);
    }
  }
}

/** 0 for a, 1 for b, … of V2's names, or of V1's name for the same; another number for any other name. */
function letterOf(bytes: Buffer, start: number, end: number): number {
  if (end - start === 1) return bytes[start]! - LETTER_A;
  return LETTER_OF.get(bytes.toString('latin1', start, end)) ?? -1;
}

function same(bytes: Buffer, start: number, wanted: Buffer): boolean {
  for (let at = 0; at < wanted.length; at++) if (wanted[at] !== bytes[start + at]) return false;
  return true;
}

const ZERO = 48;
const MINUS = 45;
const PLUS = 43;
const MOST_DIGITS = 19;

function integer(bytes: Buffer, start: number, end: number, letter: number): number {
  const first = bytes[start];
  let at = first === MINUS || first === PLUS ? start + 1 : start;
  if (at === end || end - at > MOST_DIGITS) throw notAnInteger(letter);
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) throw notAnInteger(letter);
    value = value * 10 + digit;
  }
  return first === MINUS ? -value : value;
}

function int(bytes: Buffer, start: number, end: number, letter: number): number {
  const value = integer(bytes, start, end, letter);
  if (value > INT_MAX || value < -INT_MAX - 1) throw notAnInteger(letter);
  return value;
}

function notAnInteger(letter: number): HeaderError {
  return new HeaderError(`header field <${NAMES[letter]}> must be an integer`);
}
