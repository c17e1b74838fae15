import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HeaderError, Requests, decodeFrame, encodeFrame, sendMessageFields } from '@nest-rocketmq/remoting/internal';
import type { RemotingCommand } from '@nest-rocketmq/remoting/internal';
import { SendHeader } from './send-header.js';

const folder = new URL('../../../../test/fixtures/frames/', import.meta.url);
const recorded = readdirSync(folder).filter((name) => /-(?:10|310)-(?:req|oneway)-/.test(name));

/** What the request table reads of the same command, under V2's names. */
function byTheTable(command: RemotingCommand): Record<string, unknown> {
  const v1 = command.code === Requests.SEND_MESSAGE.code;
  const row = (v1 ? Requests.SEND_MESSAGE : Requests.SEND_MESSAGE_V2).header.decode(command.extFields) as Record<
    string,
    unknown
  >;
  const field = (letter: keyof typeof sendMessageFields): unknown => row[v1 ? sendMessageFields[letter] : letter];
  return {
    topic: field('b'),
    defaultTopic: field('c'),
    defaultTopicQueueNums: field('d'),
    queueId: field('e'),
    sysFlag: field('f'),
    bornTimestamp: field('g'),
    flag: field('h'),
    properties: field('i') ?? '',
    reconsumeTimes: field('j') ?? 0,
    maxReconsumeTimes: field('l') ?? -1,
    batch: field('m') ?? false,
    opaque: command.opaque,
    oneway: (command.flag & 2) !== 0,
    body: command.body.toString('hex'),
  };
}

function read(header: SendHeader): Record<string, unknown> {
  const { topic, defaultTopic, defaultTopicQueueNums, queueId, sysFlag, bornTimestamp, flag } = header;
  const {
    propertiesIn,
    propertiesStart,
    propertiesEnd,
    reconsumeTimes,
    maxReconsumeTimes,
    batch,
    opaque,
    oneway,
    body,
  } = header;
  const known = { topic, defaultTopic, defaultTopicQueueNums, queueId, sysFlag, bornTimestamp, flag, reconsumeTimes };
  return {
    ...known,
    properties: propertiesIn.toString('utf8', propertiesStart, propertiesEnd),
    maxReconsumeTimes,
    batch,
    opaque,
    oneway,
    body: body.toString('hex'),
  };
}

const NOISE = Buffer.alloc(37, 0x61);
const asBinary = (command: RemotingCommand): Buffer => encodeFrame({ ...command, serializeType: 'binary' });

describe('the hand-tuned reader of a send', () => {
  const header = new SendHeader();
  /** As it stands between others in the memory that it came in. */
  const readBinary = (frame: Buffer): void =>
    header.readBinary(Buffer.concat([NOISE, frame, NOISE]), NOISE.length, NOISE.length + frame.length);

  it.each(recorded)('reads of %s what the request table reads', (name) => {
    const frame = readFileSync(new URL(name, folder));
    const command = decodeFrame(frame);
    header.readCommand(command);
    expect(read(header)).toEqual(byTheTable(command));
    readBinary(asBinary(command));
    expect(read(header)).toEqual(byTheTable(command));
    expect(header.readJson(encodeFrame({ ...command, serializeType: 'json' }))).toBe(true);
    expect(read(header)).toEqual(byTheTable(command));
  });

  it.each(recorded.filter((name) => name.endsWith('-json.bin')))('reads %s without decoding it', (name) => {
    const frame = readFileSync(new URL(name, folder));
    expect(header.readJson(frame)).toBe(true);
    expect(read(header)).toEqual(byTheTable(decodeFrame(frame)));
  });

  it('reads of a damaged JSON header what the request table reads, or leaves it to that', () => {
    const frame = readFileSync(
      new URL(
        recorded.find((name) => name.endsWith('310-req-json.bin'))!,
        folder,
      ),
    );
    const headerEnd = 8 + (frame.readUInt32BE(4) & 0xffffff);
    let readable = 0;
    for (let at = 8; at < headerEnd; at++) {
      for (const byte of [0x22, 0x5c, 0x2c, 0x7d, 0x30, 0x39, 0x2d, 0x75, 0x20, 0x61]) {
        const damaged = Buffer.from(frame);
        damaged[at] = byte;
        // A code that is no longer a send's does not come here.
        if (!damaged.toString('latin1', 8, 20).startsWith('{"code":310,') || !header.readJson(damaged)) continue;
        readable++;
        expect(read(header)).toEqual(byTheTable(decodeFrame(damaged)));
      }
    }
    expect(readable).toBeGreaterThan(100);
  });

  it('has recorded frames of both versions and both forms to look at', () => {
    const kinds = new Set(recorded.map((name) => name.replace(/^\d+-/, '')));
    expect([...kinds]).toEqual(
      expect.arrayContaining(['310-req-json.bin', '310-req-rmq.bin', '310-oneway-rmq.bin', '10-req-json.bin']),
    );
  });

  const whole: Record<string, string> = {
    a: 'g',
    b: 't',
    c: 'TBW102',
    d: '4',
    e: '-1',
    f: '0',
    g: '1767225600000',
    h: '-7',
  };
  const command = (extFields: Record<string, string>): RemotingCommand => ({
    code: Requests.SEND_MESSAGE_V2.code,
    language: 'JAVA',
    version: 401,
    opaque: 7,
    flag: 0,
    remark: undefined,
    extFields,
    body: Buffer.from('x'),
    serializeType: 'json',
  });

  it.each<[string, Partial<RemotingCommand>]>([
    ['properties with all kinds of escapes', { extFields: { ...whole, i: 'k\u0001"\\/\b\f\n\r\t\u0002' } }],
    ['properties that are not ASCII', { extFields: { ...whole, i: 'TAGS\u0001标签\u0002' } }],
    ['a negative opaque', { opaque: -7 }],
    ['a one-way flag', { flag: 2 }],
  ])('reads %s of a JSON header', (_what, more) => {
    const given = { ...command(whole), ...more };
    expect(header.readJson(encodeFrame(given))).toBe(true);
    expect(read(header)).toEqual(byTheTable(given));
  });

  it.each<[string, Partial<RemotingCommand>]>([
    ['an escaped topic', { extFields: { ...whole, b: 't\n' } }],
    ['a missing field', { extFields: { a: 'g' } }],
    ['a queue id that is no number', { extFields: { ...whole, e: 'x' } }],
    ['the flag of an answer', { flag: 1 }],
    ['an escaped remark', { remark: 'a\nb' }],
  ])('leaves a JSON header with %s to the full reader', (_what, more) => {
    expect(header.readJson(encodeFrame({ ...command(whole), ...more }))).toBe(false);
  });

  it('carries nothing over from the send before', () => {
    readBinary(asBinary(command({ ...whole, i: 'a\u0001b\u0002', j: '3', l: '5', m: 'true' })));
    readBinary(asBinary(command(whole)));
    expect(read(header)).toEqual(byTheTable(command(whole)));
  });

  it.each(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])('refuses a send without field %s, as the table does', (letter) => {
    const { [letter]: _left, ...rest } = whole;
    expect(() => byTheTable(command(rest))).toThrow(HeaderError);
    expect(() => readBinary(asBinary(command(rest)))).toThrow(HeaderError);
    expect(() => header.readCommand(command(rest))).toThrow(HeaderError);
  });

  it.each(['', 'x', '1x', '-', '99999999999', '1.5', '0x10'])(
    'refuses the queue id "%s", as the table does',
    (given) => {
      const wrong = command({ ...whole, e: given });
      expect(() => byTheTable(wrong)).toThrow(HeaderError);
      expect(() => header.readCommand(wrong)).toThrow(HeaderError);
      if (given !== '') expect(() => readBinary(asBinary(wrong))).toThrow(HeaderError);
    },
  );

  it('refuses lengths that point outside of the header', () => {
    const frame = asBinary(command(whole));
    for (let at = 8 + 13; at < frame.length - 1; at++) {
      const broken = Buffer.from(frame);
      broken.writeInt32BE(0x7fffffff, Math.min(at, frame.length - 4));
      try {
        readBinary(broken);
      } catch (error) {
        expect(error).toBeInstanceOf(HeaderError);
      }
    }
  });
});
