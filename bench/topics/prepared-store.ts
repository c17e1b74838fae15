// Prepares a store with topics in config/topics.json, which both servers read. To create 10,000 topics by requests would
// take minutes, and measure nothing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { topicConfig, type TopicConfig } from '@nest-rocketmq/remoting/internal';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';

/** Where the messages go that are pending, and those whose delivery is timed. */
export const DELAYED = 'BenchDelayed';
export const TIMED = 'BenchTimed';
export const TIMERS = 'BenchTimers';
export const TIMED_BY_TIME = 'BenchTimedByTime';
export const TIMED_QUEUES = 4;

export const topicNames = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `BenchTopic${String(i).padStart(5, '0')}`);

const withQueues = (topic: string, queues: number): TopicConfig =>
  topicConfig(topic, { readQueueNums: queues, writeQueueNums: queues });

export function preparedStore(topics: readonly string[], queues: number): string {
  const store = join(temporaryFolder('bench-topics'), 'store');
  const configs = [
    ...topics.map((topic) => withQueues(topic, queues)),
    ...[DELAYED, TIMED, TIMERS, TIMED_BY_TIME].map((topic) => withQueues(topic, TIMED_QUEUES)),
  ];
  mkdirSync(join(store, 'config'), { recursive: true });
  const table = {
    dataVersion: { counter: 1, stateVersion: 0, timestamp: Date.now() },
    topicConfigTable: Object.fromEntries(configs.map((config) => [config.topicName, config])),
  };
  writeFileSync(join(store, 'config/topics.json'), JSON.stringify(table));
  return store;
}
