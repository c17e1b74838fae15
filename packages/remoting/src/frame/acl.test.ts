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

  it("T179: is the one that Java's client made, for the keys of Apache's example", () => {
    const ofExample = signed.filter(({ extFields }) => extFields['AccessKey'] === 'RocketMQ');
    expect(ofExample.length).toBeGreaterThan(0);
    for (const command of ofExample) {
      const { Signature: theirs, AccessKey: _key, ...unsigned } = command.extFields;
      const again = { ...command, extFields: unsigned };
      signer({ accessKey: 'RocketMQ', secretKey: '12345678' })(again);
      expect(again.extFields).toEqual({ ...command.extFields, Signature: theirs });
    }
  });

  it('T179: covers the security token, which is sent only where there is one', () => {
    const [command] = signed;
    const signature = (securityToken?: string): Record<string, string> => {
      const copy = { ...command!, extFields: { x: '1' } as Record<string, string> };
      signer({ accessKey: 'me', secretKey: 'secret', ...(securityToken !== undefined && { securityToken }) })(copy);
      return copy.extFields;
    };
    expect(Object.keys(signature())).toEqual(['x', 'AccessKey', 'Signature']);
    expect(signature('token')).toMatchObject({ SecurityToken: 'token' });
    expect(signature('token')['Signature']).not.toBe(signature()['Signature']);
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
