import { describe, expect, it } from '@jest/globals';
import { COMPRESSION_FLAGS, SysFlag } from '@nest-rocketmq/remoting/internal';
import { compressed } from './outgoing.js';
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
