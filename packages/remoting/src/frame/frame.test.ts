import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NO_BODY, emptyFields } from './command.js';
import type { RemotingCommand } from './command.js';
import { FrameError } from '../errors.js';
import { FrameDecoder, decodeFrame, defaultFrameLimits, encodeFrame, encodeFrameInParts } from './frame.js';
import { LANGUAGES } from '../requests/language.js';
import { requestByCode } from '../requests/requests.js';

const folder = new URL('../../../../test/fixtures/frames/', import.meta.url);

interface Recorded {
  readonly file: string;
  readonly requestCode: number;
  readonly kind: 'request' | 'response' | 'oneway';
  readonly responseCode: number | null;
  readonly serialization: 'JSON' | 'ROCKETMQ';
  readonly opaque: number;
  readonly bodyLength: number;
  readonly remark: string | null;
}

const recorded = (JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { frames: Recorded[] }).frames;
const bytesOf = (frame: Recorded): Buffer => readFileSync(new URL(frame.file, folder));

/** POP_MESSAGE (200050), cut to 16 bits by the binary header */
const CUT_POP_MESSAGE = 3442;

describe('a frame recorded between Apache peers', () => {
  it.each(recorded.map((frame) => [frame.file, frame] as const))(
    '%s decodes to what its index says',
    (_file, frame) => {
      const command = decodeFrame(bytesOf(frame));
      expect(command.opaque).toBe(frame.opaque);
      expect(command.body.length).toBe(frame.bodyLength);
      expect(command.code).toBe(frame.kind === 'response' ? frame.responseCode : frame.requestCode);
      expect(command.flag).toBe({ request: 0, response: 1, oneway: 2 }[frame.kind]);
      expect(command.serializeType).toBe(frame.serialization === 'JSON' ? 'json' : 'binary');
      if (frame.remark) expect(command.remark).toBe(frame.remark);
    },
  );

  it.each(recorded.map((frame) => [frame.file, frame] as const))(
    '%s means the same when it is encoded again',
    (_file, frame) => {
      const bytes = bytesOf(frame);
      const command = decodeFrame(bytes);
      const again = encodeFrame(command);
      expect(decodeFrame(again)).toEqual(command);
      // The binary header leaves no choice of order or spelling, but for empty values, which mean "absent".
      const emptyValues = frame.serialization === 'ROCKETMQ' && again.length < bytes.length;
      if (frame.serialization === 'ROCKETMQ' && !emptyValues) expect(again.equals(bytes)).toBe(true);
    },
  );

  it.each(recorded.map((frame) => [frame.file, frame] as const))(
    '%s is the same bytes when its body goes in parts',
    (_file, frame) => {
      const command = decodeFrame(bytesOf(frame));
      const half = command.body.length >> 1;
      const parts = [command.body.subarray(0, half), command.body.subarray(half)];
      const inParts = encodeFrameInParts({ ...command, body: NO_BODY }, parts);
      expect(Buffer.concat(inParts).equals(encodeFrame(command))).toBe(true);
      expect(inParts.slice(1)).toEqual(parts);
    },
  );

  it('T181: has all the header fields that the table asks for, of the types that it says', () => {
    let read = 0;
    for (const frame of recorded) {
      const row = requestByCode(frame.requestCode);
      if (!row || frame.requestCode === CUT_POP_MESSAGE) continue;
      const command = decodeFrame(bytesOf(frame));
      if (frame.kind === 'response') {
        if (frame.responseCode === 0) row.reply.decodePartial(command.extFields);
        continue;
      }
      const refused = recorded.find((other) => other.opaque === frame.opaque && other.responseCode === 1);
      if (refused) continue; // sent wrong on purpose, to see what Apache answers
      const header = row.header.decode(command.extFields);
      const encoded = emptyFields();
      row.header.encode(header, encoded);
      for (const [name, value] of Object.entries(encoded))
        expect([frame.file, name, value]).toEqual([frame.file, name, command.extFields[name]]);
      read++;
    }
    expect(read).toBeGreaterThan(200);
  });
});

const anyCommand: fc.Arbitrary<RemotingCommand> = fc.record({
  code: fc.integer({ min: -0x8000, max: 0x7fff }),
  language: fc.constantFrom(...LANGUAGES),
  version: fc.integer({ min: 0, max: 0x7fff }),
  opaque: fc.integer({ min: 0, max: 0x7fffffff }),
  flag: fc.constantFrom(0, 1, 2),
  remark: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  extFields: fc
    .dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }))
    .map((fields) => Object.assign(emptyFields(), fields)),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  serializeType: fc.constantFrom('json', 'binary'),
});

const collect = (decoder: FrameDecoder, chunk: Buffer, into: Buffer[]): void =>
  decoder.push(chunk, (frame) => into.push(Buffer.from(frame)) > 0);

describe('the frame decoder', () => {
  it('gives back each command, wherever the stream is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(anyCommand, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (commands, cuts) => {
          const stream = Buffer.concat(commands.map(encodeFrame));
          const decoder = new FrameDecoder();
          const frames: Buffer[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const end = at + cuts[turn % cuts.length]!;
            collect(decoder, stream.subarray(at, end), frames);
            at = end;
          }
          expect(frames.map(decodeFrame)).toEqual(commands);
          expect(decoder.partial).toBe(false);
        },
      ),
    );
  });

  it.each([
    ['longer than the limit', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['one byte over 16 MiB', Buffer.from([0x00, 0xff, 0xff, 0xfd, 0, 0, 0, 0])],
    ['of no bytes', Buffer.from([0, 0, 0, 0, 0, 0, 0, 0])],
    ['shorter than its header', Buffer.from([0, 0, 0, 8, 0, 0, 1, 0])],
    ['with a header over its limit', Buffer.from([0x00, 0x7f, 0, 0, 0, 0x7e, 0, 0])],
    ['that is a web request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('refuses a frame %s as soon as its head is there', (_what, bytes) => {
    expect(() => collect(new FrameDecoder(defaultFrameLimits), bytes, [])).toThrow(FrameError);
  });

  it.each([
    ['neither JSON nor binary', [0, 0, 0, 6, 7, 0, 0, 2, 0x7b, 0x7d]],
    ['an array for a header', [0, 0, 0, 6, 0, 0, 0, 2, 0x5b, 0x5d]],
    ['a header that is no JSON', [0, 0, 0, 6, 0, 0, 0, 2, 0x7b, 0x7b]],
    ['a binary header cut short', [0, 0, 0, 6, 1, 0, 0, 2, 0, 0]],
  ])('refuses a frame with %s', (_what, bytes) => {
    expect(() => decodeFrame(Buffer.from(bytes))).toThrow(FrameError);
  });

  it('refuses a binary header whose remark is longer than itself', () => {
    const frame = encodeFrame({
      ...decodeFrame(bytesOf(recorded.find(({ serialization }) => serialization === 'ROCKETMQ')!)),
    });
    frame.writeInt32BE(0x7fffffff, 8 + 13);
    expect(() => decodeFrame(frame)).toThrow(FrameError);
  });

  it('takes names that JavaScript objects have of their own as plain names', () => {
    const extFields = emptyFields();
    for (const name of ['__proto__', 'constructor', 'toString']) extFields[name] = 'x';
    for (const serializeType of ['json', 'binary'] as const) {
      const command = decodeFrame(
        encodeFrame({
          code: 1,
          language: 'JAVA',
          version: 1,
          opaque: 1,
          flag: 0,
          remark: undefined,
          extFields,
          body: Buffer.alloc(0),
          serializeType,
        }),
      );
      expect(Object.keys(command.extFields)).toEqual(['__proto__', 'constructor', 'toString']);
      expect(Object.getPrototypeOf(command.extFields)).toBeNull();
      expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    }
  });
});
