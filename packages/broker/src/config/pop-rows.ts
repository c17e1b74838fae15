// Declares the options of POP: retries, limits, and how queues are assigned to groups by the broker.
import { choice, flag, integer } from './option-row.js';
import type { LimitOfOption } from './option-row.js';

const limit = (says: string): LimitOfOption => ({ chapter: 'Topics, groups, messages', says });

export const popRows = {
  popFromRetryProbability: integer(
    20,
    [0, 100],
    '%',
    'How often a pop looks for messages to be tried again before it looks for others; else after it.',
  ),
  enableRetryTopicV2: flag(
    false,
    'Whether messages that are popped and not acknowledged go to a topic named with + (%RETRY%group+topic) instead of _.',
  ),
  retrieveMessageFromPopRetryTopicV1: flag(
    true,
    'Whether, with enableRetryTopicV2, every other pop looks into the topic with _, for what is left there.',
  ),
  serverLoadBalancerEnable: flag(
    true,
    'Whether consumers that ask for an assignment get a share of the queues; else each gets all of them.',
  ),
  defaultMessageRequestMode: choice(['PULL', 'POP'], {
    fallback: 'PULL',
    says: 'How consumers that ask for an assignment get messages, where setConsumeMode has not said so.',
  }),
  defaultPopShareQueueNum: integer(
    -1,
    [-1, 0x7fffffff],
    'consumers',
    'With defaultMessageRequestMode POP: how many further consumers share the queues of each; 0 or less: all share all.',
  ),
  popInflightMessageThreshold: integer(
    10_000,
    [1, 10_000_000],
    'messages',
    'Popped messages of one queue and group that are neither acknowledged nor visible again, from which on it is not popped.',
    limit('popped messages of one queue and group that are not acknowledged: the queue is not popped until some are'),
  ),
  popCkMaxBufferSize: integer(
    200_000,
    [0, 10_000_000],
    'pops',
    'Most pops whose acknowledgements are remembered in memory. Of further ones the log alone knows.',
    limit(
      'pops remembered in memory. Further ones stand in the log alone, and an acknowledgement of theirs that is sent twice is stored twice',
    ),
  ),
  popPollingSize: integer(
    1_024,
    [1, 1_000_000],
    'pops',
    'Most pops of one group and queue that wait for messages.',
    limit('pops of one group and queue that wait for messages: code 209 (POLLING_FULL)'),
  ),
  maxPopPollingSize: integer(
    100_000,
    [1, 100_000_000],
    'pops',
    'Most pops in all that wait for messages.',
    limit('pops in all that wait for messages: code 209 (POLLING_FULL)'),
  ),
  maxBatchAcks: integer(
    16_384,
    [1, 1_000_000],
    'messages',
    'Most messages that one batch acknowledges.',
    limit('messages that one batch acknowledges: code 29'),
  ),
  maxRequestModes: integer(
    10_000,
    [1, 1_000_000],
    'entries',
    'Most topics and groups that setConsumeMode has set.',
    limit('topics and groups that setConsumeMode has set: no further one is taken'),
  ),
} as const;
