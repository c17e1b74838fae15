import { expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { ClusterClock } from './cluster-clock.js';
import { pendingEvents } from './pending.js';
import { RecordedMessages } from './recorded-messages.js';

const MINUTE_MS = 60_000;

it('a cluster whose messages are listed hides its own timers for them, and no other cluster hides any', () => {
  const clock = new ManualClock(0);
  for (const cluster of ['default', 'billing', 'bill']) {
    const own = new ClusterClock(clock, cluster);
    own.setTimeout(() => undefined, MINUTE_MS, 'the messages of delay level 5');
    own.setTimeout(() => undefined, MINUTE_MS, 'the messages with a time of their own');
    own.setTimeout(() => undefined, MINUTE_MS, 'the messages of nobody');
  }
  const messages = new RecordedMessages(({ body }) => body.toString());
  const times = { bornTimestamp: 0, storeTimestamp: 0, due: MINUTE_MS, reconsumeTimes: 0 };
  messages.add({ topic: 't', properties: new Map(), body: Buffer.from('x'), ...times }, 'billing');
  const names = pendingEvents(clock, messages).map(({ what }) => what);
  expect(names.filter((name) => name.startsWith('t '))).toHaveLength(1);
  expect(names.filter((name) => !name.startsWith('t '))).toEqual([
    'the messages of delay level 5',
    'the messages with a time of their own',
    'the messages of nobody',
    'the messages of nobody (cluster billing)',
    'the messages of delay level 5 (cluster bill)',
    'the messages with a time of their own (cluster bill)',
    'the messages of nobody (cluster bill)',
  ]);
});
