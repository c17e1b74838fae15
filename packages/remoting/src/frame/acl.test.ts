import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { signer } from './acl.js';
import { decodeFrame } from './frame.js';

const folder = new URL('../../../../test/fixtures/frames/', import.meta.url);
const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { frames: { file: string }[] };
const signed = index.frames
  .map(({ file }) => decodeFrame(readFileSync(new URL(file, folder))))
  .filter(({ extFields }) => extFields['Signature'] !== undefined);

describe('a signature', () => {
  it('is recorded on requests of real peers', () => {
    expect(signed.length).toBeGreaterThan(0);
  });

  it('covers the values of all fields by order of their names, then the body', () => {
    const [command] = signed;
    const sign = signer({ accessKey: command!.extFields['AccessKey']!, secretKey: 'secret' });
    const first = { ...command!, extFields: { ...command!.extFields } };
    const second = { ...command!, extFields: Object.fromEntries(Object.entries(command!.extFields).toReversed()) };
    sign(first);
    sign(second);
    expect(first.extFields['Signature']).toBe(second.extFields['Signature']);
    const third = { ...first, extFields: { ...first.extFields }, body: Buffer.from('other') };
    sign(third);
    expect(third.extFields['Signature']).not.toBe(first.extFields['Signature']);
  });
});
