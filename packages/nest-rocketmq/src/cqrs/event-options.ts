// Checks which events of @nestjs/cqrs go to which topics.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Type } from '@nestjs/common';
import type { MessageListenerOptions } from '../decorators/listener-metadata.js';
import { parseDestination } from '../message/destination.js';
import type { Destination, DestinationObject } from '../message/destination.js';
import { checkBoolean, checkClass, checkKeys, inside } from '../option-checks.js';
import { CONSUMER_SETTINGS } from '../options/consumer-settings.js';
import type { SendOptions } from '../template/send-options.js';

/** An event class, and the topic of its events. */
export interface EventOptions<Event extends object = object> {
  /** The class. Its events go to the topic when they are published, and come from there. */
  event: Type<Event>;
  /** 'topic', 'topic:tag' or { topic, tag }. Each class needs its own. */
  destination: Destination;
  /**
   * Whether this app takes the topic's messages to its event handlers. false: they get the events that this app publishes at
   * once, in this process, and no others. Default true.
   */
  listen?: boolean;
  /** Keys, sharding key, delay and so on for an event. Default: none. */
  sendOptions?: (event: Event) => SendOptions;
  /** Makes the event of a message's payload. Default: an object of the class with the payload's fields, without its constructor. */
  revive?: (payload: unknown) => Event;
}

/** Options of `RocketMQCqrsModule.forRoot`; the consumer's are those of `@RocketMQMessageListener`. */
export interface RocketMQCqrsOptions extends Omit<
  MessageListenerOptions,
  | 'topic'
  | 'tags'
  | 'selectorExpression'
  | 'selectorType'
  | 'payload'
  | 'payloadType'
  | 'reply'
  | 'replyTimeout'
  | 'batch'
> {
  /** The event classes that go to topics. The others stay in this process, as without the module. */
  events: EventOptions[];
}

export interface CheckedEvent extends EventOptions {
  readonly destination: DestinationObject;
  readonly listen: boolean;
}

export interface CheckedCqrsOptions {
  readonly events: readonly CheckedEvent[];
  readonly consumer: Omit<RocketMQCqrsOptions, 'events'>;
}

const WHERE = 'RocketMQCqrsModule.forRoot';

/** Defines an event class with its topic, for `RocketMQCqrsModule.forRoot({ events: [eventTo(OrderPaid, 'order:paid')] })`. */
export function eventTo<Event extends object>(
  event: Type<Event>,
  destination: Destination,
  options: Omit<EventOptions<Event>, 'event' | 'destination'> = {},
): EventOptions {
  return { ...options, event, destination } as unknown as EventOptions;
}

/** @throws InvalidOptionError */
export function checkCqrsOptions(given: RocketMQCqrsOptions): CheckedCqrsOptions {
  return inside(WHERE, undefined, () => {
    checkKeys('options', given, ['events', 'consumerGroup', 'messageModel', ...CONSUMER_SETTINGS]);
    const { events, ...consumer } = given;
    if (!Array.isArray(events) || events.length === 0) {
      throw new InvalidOptionError('events', events, `a list such as [eventTo(OrderPaid, 'order:paid')]`);
    }
    const checked = events.map((each, index) => inside(WHERE, `events[${index}]`, () => checkEvent(each)));
    refuseTwice(checked);
    return { events: checked, consumer };
  });
}

function checkEvent(given: EventOptions): CheckedEvent {
  checkKeys('options', given, ['event', 'destination', 'listen', 'sendOptions', 'revive']);
  checkClass('event', given.event);
  for (const name of ['sendOptions', 'revive'] as const) {
    if (given[name] !== undefined && typeof given[name] !== 'function') {
      throw new InvalidOptionError(name, given[name], 'a function');
    }
  }
  return {
    ...given,
    destination: parseDestination(given.destination),
    listen: checkBoolean('listen', given.listen ?? true),
  };
}

function refuseTwice(events: readonly CheckedEvent[]): void {
  for (const [index, { event, destination }] of events.entries()) {
    const earlier = events.slice(0, index);
    if (earlier.some((other) => other.event === event)) {
      throw new InvalidOptionError(`events[${index}].event`, event.name, 'each class once');
    }
    const { topic, tag } = destination;
    if (earlier.some((other) => other.destination.topic === topic && other.destination.tag === tag)) {
      const allowed = `a destination of its own, such as '${topic}:${event.name}'`;
      throw new InvalidOptionError(
        `events[${index}].destination`,
        tag === undefined ? topic : `${topic}:${tag}`,
        allowed,
      );
    }
  }
}
