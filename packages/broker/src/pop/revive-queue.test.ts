import { expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { EventLog } from '@nest-rocketmq/remoting/internal';
import { HOST, openStore } from '../../test-kit/store.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { MessageStore } from '../store/store.js';
import { checkpointMessage } from './checkpoint.js';
import type { Checkpoint } from './checkpoint.js';
import { InFlight } from './in-flight.js';
import { ReviveQueue } from './revive-queue.js';
import type { Reviver } from './reviver.js';

const NOW = 1_700_000_000_000;
const checkpoint: Checkpoint = {
  topic: 't',
  group: 'g',
  queueId: 0,
  startOffset: 0,
  popTime: NOW - 1_000,
  brokerName: 'broker-a',
  invisibleTime: 1_000,
  offsets: [0, 1],
};
const log: EventLog = { say: (_level, _kind, text) => silentLogger.error(text) };

it('revives a message once, though draining the store wakes the queue again before it is done', async () => {
  const clock = new ManualClock(NOW);
  const store: MessageStore = await openStore({ clock });
  store.append(checkpointMessage(checkpoint, { topic: 'revive', queueId: 0, host: HOST, now: NOW }));
  await store.drain();
  const revived: (readonly number[])[] = [];
  let wakes = 0;
  const { drain } = store;
  store.drain = () => {
    if (wakes++ < 2) queue.wake();
    return drain.call(store);
  };
  const queue = new ReviveQueue(
    {
      store,
      offsets: { query: () => -1, commit: () => {} } as unknown as ConsumerOffsets,
      inFlight: new InFlight(10),
      reviver: {
        revive: async (_checkpoint: Checkpoint, offsets: readonly number[]) => void revived.push(offsets),
      } as unknown as Reviver,
      clock,
      log,
      reviveTopic: 'revive',
      brokerName: 'broker-a',
      messageTimer: { deliveredUntil: (now) => now },
    },
    0,
  );
  queue.start();
  await clock.advance(0);
  await queue.stop();
  await store.close();
  expect(revived).toEqual([[0, 1]]);
});

it('writes checkpoints as Apache does', () => {
  const { body, properties, topic, queueId } = checkpointMessage(checkpoint, {
    topic: 'r',
    queueId: 3,
    host: HOST,
    now: NOW,
  });
  expect({ topic, queueId }).toEqual({ topic: 'r', queueId: 3 });
  expect(JSON.parse(body.toString())).toMatchObject({
    so: 0,
    pt: NOW - 1_000,
    it: 1_000,
    n: 2,
    q: 0,
    t: 't',
    c: 'g',
    d: [0, 1],
  });
  expect(properties.toString()).toContain(`TIMER_DELIVER_MS\u0001${NOW - 1_000}`);
});
