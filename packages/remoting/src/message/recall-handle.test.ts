import { describe, expect, it } from '@jest/globals';
import { decodeRecallHandle, encodeRecallHandle } from './recall-handle.js';

const base64Url = (text: string): string => Buffer.from(text).toString('base64url');

describe('a recall handle', () => {
  const handle = { topic: 't', brokerName: 'broker-a', timestamp: 1_795_248_207_001, uniqKey: '7F0000010BAD' };
  // As Java's Base64.getUrlEncoder() writes it.
  const text = 'djEgdCBicm9rZXItYSAxNzk1MjQ4MjA3MDAxIDdGMDAwMDAxMEJBRA==';

  it('is written as Apache writes it, and read back', () => {
    expect(encodeRecallHandle(handle)).toBe(text);
    expect(decodeRecallHandle(text)).toEqual(handle);
    expect(decodeRecallHandle(text.replaceAll('=', ''))).toEqual(handle);
  });

  it.each(['', '!', 'djEg', base64Url('v2 t b 1 k'), base64Url('v1 t b 1'), base64Url('v1 t b 1 '), `${text}+`])(
    'is not %j',
    (garbled) => {
      expect(decodeRecallHandle(garbled)).toBeUndefined();
    },
  );

  it('with a time that is none has the time -1', () => {
    expect(decodeRecallHandle(base64Url('v1 t b soon k'))?.timestamp).toBe(-1);
  });
});
