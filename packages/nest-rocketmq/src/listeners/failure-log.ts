// Finds out what becomes of the messages of failed deliveries, and logs it.
import { Logger } from '@nestjs/common';
import { Outcome } from '@nest-rocketmq/client';
import type { ConsumeMode } from '@nest-rocketmq/client';
import { dlqTopic } from '@nest-rocketmq/remoting/internal';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { CheckedConsumerSettings } from '../options/consumer-settings.js';
import type { Fate } from './listener-events.js';
import { reasonOf } from '../pipeline/failure-reason.js';

/** In order, a message that goes on failing is logged the first few times, and from then on once in so many tries. */
const TRIES_LOGGED = 3;
const LOGGED_ONCE_IN = 60;
/** What -1 means for maxReconsumeTimes. */
const APACHE_MAX_RECONSUME_TIMES: Readonly<Record<ConsumeMode, number>> = {
  CONCURRENTLY: 16,
  ORDERLY: Infinity,
  KEY_ORDERED: 16,
};

export class FailureLog {
  readonly #logger = new Logger('RocketMQ');
  readonly #broadcasting: boolean;
  readonly #inOrder: boolean;
  readonly #maxReconsumeTimes: number;

  constructor(
    private readonly group: string,
    { maxReconsumeTimes = -1, consumeMode = 'CONCURRENTLY', messageModel }: CheckedConsumerSettings,
  ) {
    this.#maxReconsumeTimes = maxReconsumeTimes < 0 ? APACHE_MAX_RECONSUME_TIMES[consumeMode] : maxReconsumeTimes;
    this.#inOrder = consumeMode !== 'CONCURRENTLY';
    this.#broadcasting = messageModel === 'BROADCASTING';
  }

  /** What becomes of a message that failed. */
  fateOf({ reconsumeTimes }: RocketMQContext, { kind }: Outcome): Fate {
    if (this.#broadcasting) return 'dropped';
    return kind === 'deadLetter' || reconsumeTimes >= this.#maxReconsumeTimes ? 'dead-lettered' : 'retried';
  }

  /** What ends in the dead letters after its last retry goes there with the error as the reason: brokers know none. */
  withReason(context: RocketMQContext, error: unknown, outcome: Outcome): Outcome {
    const isOver = (outcome.kind === 'retry' || outcome.kind === 'suspend') && !outcome.isUntried;
    const isOwnDeadLetter = context.topic === dlqTopic(this.group);
    if (!isOver || Outcome.is(error) || isOwnDeadLetter) return outcome;
    return this.fateOf(context, outcome) === 'dead-lettered' ? Outcome.toDeadLetter(reasonOf(error, false)) : outcome;
  }

  write(listener: DiscoveredListener | undefined, context: RocketMQContext, error: unknown, outcome: Outcome): void {
    const { reconsumeTimes, msgId, topic } = context;
    const fate = this.fateOf(context, outcome);
    const last = fate !== 'retried';
    // One that is tried again in its place may fail each second, without end.
    if (this.#inOrder && !last && reconsumeTimes >= TRIES_LOGGED && reconsumeTimes % LOGGED_ONCE_IN !== 0) return;
    const by = listener ? ` in ${listener.name}` : '';
    const reason = Outcome.is(error) ? (error.reason ?? 'its listener said so') : reasonOf(error, reconsumeTimes === 0);
    this.#logger.warn(
      `group ${this.group}: message ${msgId} of topic ${topic} failed${by} at delivery ` +
        `${reconsumeTimes + 1}, ${this.#described(fate, outcome)}: ${reason}`,
    );
  }

  #described(fate: Fate, { delay }: Outcome): string {
    if (fate === 'dropped') return 'not to be delivered again, since it is a broadcast';
    if (fate === 'dead-lettered') return `on its way to ${dlqTopic(this.group)}`;
    const later = delay === undefined ? '' : ` in ${delay} ms`;
    return this.#inOrder ? `to be tried again in its place${later}` : `to be delivered again${later}`;
  }
}
