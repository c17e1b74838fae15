import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { encodeTraceRecord, traceKeysOf } from './trace-record.js';
import type { TraceRecord } from './trace-record.js';

/** What Java's own encoder made: see test/fixtures/trace/README.md. */
const java = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../test/fixtures/trace/java-5.5.0.json'), 'utf8'),
) as Record<string, { data: string; keys: string[] }>;

const common = { timestamp: 1_700_000_000_123, regionId: 'DefaultRegion', group: 'shop' };
const storeHost = '127.0.0.1:10911';
const message = { topic: 'order', msgId: 'ID1', tags: 'TagA', keys: 'k1 k2' };
const bare = { topic: 'order', msgId: 'ID1' };
const pub = {
  ...common,
  type: 'Pub',
  message,
  storeHost,
  bodyLength: 26,
  costTime: 12,
  messageType: 0,
  offsetMsgId: 'OFFSET1',
  success: true,
} as const;
const two = [
  { ...bare, keys: 'k1', retryTimes: 3 },
  { topic: 'order', msgId: 'ID2', retryTimes: 3 },
];
const after = { ...common, type: 'SubAfter', requestId: 'REQUEST1', costTime: 12 } as const;
const end = { ...common, type: 'EndTransaction', storeHost, transactionId: 'TX1' } as const;
const ended = { ...message, keys: 'k1' };

it.each<[string, TraceRecord]>([
  ['Pub', pub],
  ['Pub of a message without tag and keys', { ...pub, message: bare, messageType: 3 }],
  [
    'Pub of a half message that is not flushed',
    { ...pub, message: { ...message, keys: '' }, messageType: 1, success: false },
  ],
  ['SubBefore', { ...common, type: 'SubBefore', requestId: 'REQUEST1', messages: two }],
  ['SubAfter', { ...after, messages: two, success: true, contextCode: 0 }],
  ['SubAfter of a failure', { ...after, messages: [{ ...bare, keys: 'ü 漢' }], success: false, contextCode: 4 }],
  ['EndTransaction COMMIT_MESSAGE', { ...end, message: ended, state: 'COMMIT_MESSAGE', fromCheck: false }],
  ['EndTransaction ROLLBACK_MESSAGE', { ...end, message: ended, state: 'ROLLBACK_MESSAGE', fromCheck: false }],
  ['EndTransaction UNKNOW', { ...end, message: ended, state: 'UNKNOW', fromCheck: true }],
  ['Recall', { ...common, type: 'Recall', message: bare, success: true }],
])("T045 writes fields and keys as Java's encoder does: %s", (name, record) => {
  expect(encodeTraceRecord(record)).toBe(java[name]!.data);
  expect([...new Set(traceKeysOf(record))].toSorted()).toEqual(java[name]!.keys);
});

it('T045 has a row for each of the Java table', () => {
  expect(Object.keys(java)).toHaveLength(10);
});
