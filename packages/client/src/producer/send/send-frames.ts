// Encodes sends as frames with a binary header, from parts that are the same for all sends to a queue: the hot path. A test
// holds that the frames are those of the request table.
import {
  FRAME_HEAD,
  NO_BODY,
  OUR_LANGUAGE,
  OUR_VERSION,
  emptyFields,
  encodeFrame,
  encodeProperties,
} from '@nest-rocketmq/remoting/internal';
import type { Connection, MessageQueue, RequestRow } from '@nest-rocketmq/remoting/internal';
import type { PreparedMessage } from './outgoing.js';

/** From the header's start: opaque, and the length of all fields. */
const OPAQUE_AT = 5;
const FIELDS_LENGTH_AT = 17;
const FIELDS_AT = 21;
/** A name of one letter and its length, then the length of the value. */
const LETTER_BYTES = 7;
const MAX_HEADER_BYTES = 0xffffff;
const LETTER = { f: 102, g: 103, h: 104, i: 105, j: 106, l: 108 } as const;

export interface SendFramesOptions {
  /** Producer group. */
  readonly group: string;
  readonly createTopicKey: string;
  readonly defaultTopicQueueNums: number;
  /** What is sent of a message's properties, and with them. */
  readonly propertiesOf: (message: PreparedMessage) => ReadonlyMap<string, string>;
}

/** What is the same in all sends of one kind to a queue. */
interface Parts {
  readonly code: number;
  readonly topic: string;
  /** The frame up to the field e. */
  readonly start: Buffer;
  /** The field k. */
  readonly middle: Buffer;
  /** The fields m and n. */
  readonly end: Buffer;
}

export class SendFrames {
  readonly #parts = new WeakMap<MessageQueue, Parts>();
  #time = NaN;
  #timeText = '';

  constructor(private readonly options: SendFramesOptions) {}

  /** @param message that `fitsSendFrame` @returns the frame, in memory that the connection lends */
  encode(
    queue: MessageQueue,
    message: PreparedMessage,
    row: RequestRow,
    opaque: number,
    connection: Pick<Connection, 'memory'>,
  ): Buffer {
    const { body } = message;
    const { start, middle, end } = this.#partsOf(queue, message, row);
    const properties = encodeProperties(this.options.propertiesOf(message));
    const propertiesLength = Buffer.byteLength(properties);
    const sysFlag = textOf(message.sysFlag);
    const born = this.#textOfTime(message.bornTimestamp);
    const flag = textOf(message.flag);
    const times = textOf(message.reconsumeTimes ?? 0);
    const most = message.maxReconsumeTimes === undefined ? '' : textOf(message.maxReconsumeTimes);
    const numbers = sysFlag.length + born.length + flag.length + times.length + 4 * LETTER_BYTES;
    const optional = most === '' ? 0 : LETTER_BYTES + most.length;
    const fields = start.length + numbers + LETTER_BYTES + propertiesLength + middle.length + optional + end.length;
    const frame = connection.memory(fields + body.length);
    frame.set(start, 0);
    writeInt(frame, fields + body.length - 4, 0);
    writeInt(frame, (1 << 24) | (fields - FRAME_HEAD), 4);
    writeInt(frame, opaque, FRAME_HEAD + OPAQUE_AT);
    writeInt(frame, fields - FRAME_HEAD - FIELDS_AT, FRAME_HEAD + FIELDS_LENGTH_AT);
    let at = writeField(frame, LETTER.f, sysFlag, start.length);
    at = writeField(frame, LETTER.g, born, at);
    at = writeField(frame, LETTER.h, flag, at);
    at = writeName(frame, LETTER.i, propertiesLength, at);
    at += frame.write(properties, at);
    at = writeField(frame, LETTER.j, times, at);
    frame.set(middle, at);
    at += middle.length;
    if (most !== '') at = writeField(frame, LETTER.l, most, at);
    frame.set(end, at);
    frame.set(body, at + end.length);
    return frame;
  }

  #partsOf(queue: MessageQueue, message: PreparedMessage, { code }: RequestRow): Parts {
    const known = this.#parts.get(queue);
    if (known?.code === code && known.topic === message.topic) return known;
    const { group, createTopicKey, defaultTopicQueueNums } = this.options;
    const { topic, batch } = message;
    const start = fieldsFrame(code, {
      a: group,
      b: topic,
      c: createTopicKey,
      d: String(defaultTopicQueueNums),
      e: String(queue.queueId),
    });
    const middle = fieldsFrame(code, { k: 'false' }).subarray(FRAME_HEAD + FIELDS_AT);
    const end = fieldsFrame(code, { m: String(batch), n: queue.brokerName }).subarray(FRAME_HEAD + FIELDS_AT);
    const parts = { code, topic, start, middle, end };
    this.#parts.set(queue, parts);
    return parts;
  }

  /** Many sends are of the same millisecond. */
  #textOfTime(time: number): string {
    if (time !== this.#time) {
      this.#time = time;
      this.#timeText = String(time);
    }
    return this.#timeText;
  }
}

/** Whether a message can be encoded here: an empty value would be lost, and a header has a limit. */
export function fitsSendFrame({ properties }: PreparedMessage): boolean {
  let length = 0;
  for (const [name, value] of properties) length += name.length + value.length;
  return length > 0 && length * 3 < MAX_HEADER_BYTES / 2;
}

function fieldsFrame(code: number, fields: Record<string, string>): Buffer {
  return encodeFrame({
    code,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque: 0,
    flag: 0,
    remark: undefined,
    extFields: Object.assign(emptyFields(), fields),
    body: NO_BODY,
    serializeType: 'binary',
  });
}

function textOf(value: number): string {
  return value === 0 ? '0' : String(value);
}

/** @returns where the field ends */
function writeField(frame: Buffer, letter: number, digits: string, start: number): number {
  const at = writeName(frame, letter, digits.length, start);
  for (let index = 0; index < digits.length; index++) frame[at + index] = digits.charCodeAt(index);
  return at + digits.length;
}

/** @returns where the value begins */
function writeName(frame: Buffer, letter: number, valueLength: number, at: number): number {
  frame[at] = 0;
  frame[at + 1] = 1;
  frame[at + 2] = letter;
  writeInt(frame, valueLength, at + 3);
  return at + LETTER_BYTES;
}

function writeInt(frame: Buffer, value: number, at: number): void {
  frame[at] = value >> 24;
  frame[at + 1] = value >> 16;
  frame[at + 2] = value >> 8;
  frame[at + 3] = value;
}
