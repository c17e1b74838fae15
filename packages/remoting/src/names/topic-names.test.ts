import { describe, expect, it } from '@jest/globals';
import {
  AUTO_CREATE_TOPIC_KEY,
  NOT_ALLOWED_SEND_TOPICS,
  dlqTopic,
  groupOfRetryTopic,
  isDLQTopic,
  isRetryTopic,
  isTopicOrGroupIllegal,
  retryTopic,
} from './topic-names.js';

describe('T036: the name of a topic or group', () => {
  it.each(['orders', 'Orders-2_a|b', '%RETRY%stock', '%'])('may be %s', (name) => {
    expect(isTopicOrGroupIllegal(name)).toBe(false);
  });

  // A topic's name becomes a folder of the store.
  it.each(['', ' ', 'a b', '../orders', 'a/b', 'a\\b', 'a.b', 'a\0', 'orders\n', 'commande-été'])(
    'may not be %j',
    (name) => {
      expect(isTopicOrGroupIllegal(name)).toBe(true);
    },
  );
});

describe('the topics of a group', () => {
  it("are named after the group, by Apache's prefixes", () => {
    expect([retryTopic('stock'), dlqTopic('stock')]).toEqual(['%RETRY%stock', '%DLQ%stock']);
  });

  it('are told from others by their prefix', () => {
    const topics = [retryTopic('g'), dlqTopic('g'), 'g', 'RETRY', 'a%RETRY%'];
    expect(topics.map(isRetryTopic)).toEqual([true, false, false, false, false]);
    expect(topics.map(isDLQTopic)).toEqual([false, true, false, false, false]);
  });

  it('give the group back', () => {
    expect(groupOfRetryTopic(retryTopic('stock'))).toBe('stock');
  });
});

it('T036: names topics as Apache does: they are in every store and cluster', () => {
  expect(AUTO_CREATE_TOPIC_KEY).toBe('TBW102');
  expect([...NOT_ALLOWED_SEND_TOPICS]).toEqual([
    'SCHEDULE_TOPIC_XXXX',
    'RMQ_SYS_TRANS_HALF_TOPIC',
    'RMQ_SYS_TRANS_OP_HALF_TOPIC',
    'TRANS_CHECK_MAX_TIME_TOPIC',
    'SELF_TEST_TOPIC',
    'OFFSET_MOVED_EVENT',
  ]);
});
