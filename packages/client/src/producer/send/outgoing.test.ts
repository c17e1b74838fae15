import { describe, expect, it } from '@jest/globals';
import { COMPRESSION_FLAGS, SysFlag, UniqueIdMaker } from '@nest-rocketmq/remoting/internal';
import { compressed, prepare } from './outgoing.js';
import type { PreparedMessage } from './outgoing.js';

const OPTIONS = { compressMsgBodyOverHowmuch: 100, compressType: 'ZLIB', compressLevel: 5 } as const;

const message = (sysFlag: number): PreparedMessage => ({
  topic: 't',
  body: Buffer.alloc(1_000, 'x'),
  properties: new Map(),
  flag: 0,
  sysFlag,
  bornTimestamp: 0,
  msgId: '',
  batch: false,
});

describe('compression of a message', () => {
  it('keeps the other bits of its sysFlag', async () => {
    const { sysFlag } = await compressed(message(SysFlag.TRANSACTION_PREPARED), OPTIONS);
    expect(sysFlag).toBe(SysFlag.TRANSACTION_PREPARED | COMPRESSION_FLAGS.ZLIB);
  });

  it.each([COMPRESSION_FLAGS.LZ4, COMPRESSION_FLAGS.ZSTD, SysFlag.COMPRESSED])(
    'is not done twice: a consumer may send back what it could not read, with sysFlag 0x%x',
    async (sysFlag) => {
      const given = message(sysFlag);
      expect(await compressed(given, OPTIONS)).toBe(given);
    },
  );
});

describe('the id of a message', () => {
  const prepared = (uniqKey?: string): PreparedMessage => {
    const options = { ids: new UniqueIdMaker(), now: 0, maxMessageSize: 10, maxDelay: 0 };
    return prepare({ topic: 't', body: 'b', ...(uniqKey !== undefined && { uniqKey }) }, options);
  };

  it('is the one that is given, and else a new one', () => {
    const { msgId, properties } = prepared('order-1');
    expect([msgId, properties.get('UNIQ_KEY')]).toEqual(['order-1', 'order-1']);
    expect(prepared().msgId).toMatch(/^[0-9A-F]{32}$/);
  });

  it.each(['', 'a b', 'a,b', 'a\u0001b', 'ü', 'x'.repeat(65), 1 as unknown as string])('is refused: %j', (uniqKey) => {
    expect(() => prepared(uniqKey)).toThrow(/option uniqKey .* 1 to 64 characters/);
  });
});
