// Tests in which order claimed rows are sent, and when the rest of them is given back, with a producer that fails as the test wants.
import { describe, expect, test } from '@jest/globals';
import { BatchSendFailedError, MessageTooLargeError, SendSkippedError } from '@nest-rocketmq/client';
import type { BatchMessage, OutgoingMessage, SendResult } from '@nest-rocketmq/client';
import { RequestTimeoutError } from '@nest-rocketmq/remoting/internal';
import { fromSql, toRow } from './outbox-row.js';
import type { ClaimedRow } from './outbox-row.js';
import { sendRows } from './row-sender.js';

function rowOf(id: string, shardingKey: string, message: Partial<OutgoingMessage> = {}): ClaimedRow {
  const row = toRow(id, { topic: 'order', body: id, ...message }, shardingKey, 0);
  return fromSql({ ...row, sharding_key: row.shardingKey, attempts: '0' });
}

const RESULT = { sendStatus: 'SEND_OK' } as SendResult;

describe('the rows of a sharding key', () => {
  test('are not sent before one whose answer did not come, when another message makes the batch be sent again', async () => {
    const sent: string[] = [];
    const errors: Readonly<Record<string, unknown>> = {
      a0: new RequestTimeoutError('broker:10911', 'a send', 3_000),
      a1: new SendSkippedError('order', 'broker', 0, { cause: new Error('no answer') }),
      b0: new MessageTooLargeError('order', 5, 4),
    };
    const producer = {
      sendBatch: async (messages: readonly BatchMessage[]): Promise<SendResult[]> => {
        const failures = messages.map((message, index) => ({ index, message, error: errors[message.uniqKey!] }));
        throw new BatchSendFailedError(
          messages.map(() => undefined),
          failures,
        );
      },
      send: async ({ uniqKey }: OutgoingMessage): Promise<SendResult> => {
        sent.push(uniqKey!);
        if (uniqKey === 'b0') throw errors['b0'];
        return RESULT;
      },
    };
    const outcomes = await sendRows(producer, [rowOf('a0', 'a'), rowOf('a1', 'a'), rowOf('b0', 'b')], () => false);
    expect(sent).toEqual(['b0']);
    expect(outcomes.map((each) => ('kind' in each ? each.kind : 'sent'))).toEqual(['away', 'skipped', 'unsendable']);
  });

  test.each([
    ['sent one by one', { delay: 60_000 }],
    ['sent again after a batch that was refused', {}],
  ])('that are %s are left to a later claim when their own ends soon', async (_how, message) => {
    let sends = 0;
    const producer = {
      sendBatch: (): Promise<SendResult[]> => Promise.reject(new Error('refused')),
      send: async (): Promise<SendResult> => (sends++, RESULT),
    };
    const rows = ['a0', 'a1', 'a2'].map((id) => rowOf(id, 'a', message));
    const outcomes = await sendRows(producer, rows, () => sends >= 2);
    expect(outcomes).toMatchObject([
      { result: RESULT },
      { result: RESULT },
      { row: { id: 'a2' }, kind: 'skipped', error: undefined },
    ]);
    sends = 2;
    expect(await sendRows(producer, rows, () => true)).toMatchObject([
      { result: RESULT },
      { kind: 'skipped' },
      { kind: 'skipped' },
    ]);
  });
});
