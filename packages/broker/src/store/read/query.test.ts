import { describe, expect, it } from '@jest/globals';
import type { MessageIndex } from '../index/message-index.js';
import { MOST_OTHER_KEYS, queryByKey } from './query.js';

describe('a query by a key that shares its hash with very many others', () => {
  it('reads some of them, and answers with what it has found', async () => {
    let reads = 0;
    const entries: Pick<MessageIndex, 'find'> = {
      find: async (_topic, _key, _beginMs, _endMs, visit) => {
        for (let physicalOffset = 0; physicalOffset < 2 * MOST_OTHER_KEYS; physicalOffset++)
          if (!(await visit({ physicalOffset, storeTimestamp: 0 }))) return;
      },
    };
    const recordAt = (): Buffer => (reads++, Buffer.alloc(100));
    const query = { topic: 'T', key: 'BB', maxNum: 64, beginMs: 0, endMs: 1 };
    const { records } = await queryByKey(entries as MessageIndex, recordAt, query);
    expect({ reads, found: records.length }).toEqual({ reads: MOST_OTHER_KEYS, found: 0 });
  });
});
