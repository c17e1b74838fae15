// Receives messages of a topic for the template: with one pull consumer for each group, which is made at its first call.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { Inject, Injectable } from '@nestjs/common';
import { GroupMissingError } from '../errors.js';
import { destinationOf, isTopic } from '../message/topic.js';
import type { AnyDestination } from '../message/topic.js';
import { inside } from '../option-checks.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { PullConsumers } from './pull-consumers.js';
import { checkReceive } from './receive-options.js';
import type { ReceiveOptions } from './receive-options.js';
import type { ReceivedMessage } from './received-message.js';
import type { RocketMQPullConsumer } from './rocketmq-pull-consumer.js';

/** Each group has a consumer until the app closes: names that are made up for each call would pile up. */
const MOST_RECEIVING_GROUPS = 1_000;
const RECEIVE = 'RocketMQTemplate.receive';

interface ReceivingGroup {
  readonly consumer: RocketMQPullConsumer;
  /** 'topic' or 'topic:tag' */
  readonly source: string;
  /** Calls wait for each other: each says that what came before it is consumed. */
  last: Promise<unknown>;
}

@Injectable()
export class Receiver {
  readonly #groups = new Map<string, ReceivingGroup>();

  constructor(
    private readonly consumers: PullConsumers,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws as `RocketMQTemplate.receive` */
  async receive(destination: AnyDestination, options: ReceiveOptions): Promise<ReceivedMessage[]> {
    const receiving = inside(RECEIVE, undefined, () => this.#groupOf(destination, options));
    const { max, timeout, payload } = options;
    const settings = {
      ...(max !== undefined && { max }),
      ...(timeout !== undefined && { timeout }),
      ...(payload !== undefined && { payload }),
    };
    const typed = isTopic(destination) ? destination : undefined;
    const poll = (): Promise<ReceivedMessage[]> => receiving.consumer.pollAs(settings, typed);
    const result = receiving.last.then(poll, poll);
    receiving.last = result;
    return result;
  }

  #groupOf(destination: AnyDestination, options: ReceiveOptions): ReceivingGroup {
    checkReceive(options);
    const { topic, tag } = destinationOf(destination);
    const source = tag === undefined ? topic : `${topic}:${tag}`;
    const group = options.group ?? this.#defaultGroup(topic);
    const known = this.#groups.get(group);
    if (known?.source === source) return known;
    if (known) {
      throw new InvalidOptionError('group', group, `another group: this one receives '${known.source}' in this app`);
    }
    if (this.#groups.size >= MOST_RECEIVING_GROUPS) {
      throw new InvalidOptionError('group', group, `one of the ${MOST_RECEIVING_GROUPS} groups that receive already`);
    }
    const { storeOffsets = true } = options;
    const consumer = this.consumers.create(
      {
        group,
        topics: [{ topic, expression: tag ?? '*' }],
        storeOffsets,
        // What was sent before the first call is what it asks for.
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      },
      RECEIVE,
    );
    const receiving = { consumer, source, last: Promise.resolve() };
    this.#groups.set(group, receiving);
    return receiving;
  }

  #defaultGroup(topic: string): string {
    const { group, groupNeededOn } = this.options;
    if (groupNeededOn !== undefined)
      throw new GroupMissingError(RECEIVE, groupNeededOn, group, ', or set option group');
    return `${group}-${topic}`;
  }
}
