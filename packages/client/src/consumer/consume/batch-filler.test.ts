import { expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { BatchFiller } from './batch-filler.js';
import { ProcessQueue } from '../process-queue/process-queue.js';

const message = {} as MessageExt;

it('a queue that lives long has one listener to its end, however many lists it fills', async () => {
  const clock = new ManualClock(0);
  const queue = new ProcessQueue({ topic: 't', brokerName: 'b', queueId: 0 });
  let lists = 0;
  const filler = new BatchFiller({ clock, size: 2, wait: 100, ready: () => void lists++ });
  for (let i = 0; i < 50; i++) {
    filler.add(queue, [message]);
    await clock.advance(100);
  }
  expect(lists).toBe(50);
  expect(getEventListeners(queue.signal, 'abort')).toHaveLength(1);
  filler.add(queue, [message]);
  queue.drop();
  expect(clock.pending).toBe(0);
});
