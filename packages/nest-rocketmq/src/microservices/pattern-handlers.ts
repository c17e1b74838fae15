// Collects the handlers of each pattern, and calls them with a message.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { Outcome } from '@nest-rocketmq/client';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { ListenerOptions } from '../discovery/listener-options.js';
import { InvalidListenerError, ListenerAbortedError } from '../errors.js';
import type { DestinationObject } from '../message/destination.js';
import { RocketMQReply } from '../message/rocketmq-reply.js';
import { checkKeys, inside } from '../option-checks.js';
import { CONSUMER_SETTINGS } from '../options/consumer-settings.js';
import { firstResultOf, resultOf } from '../pipeline/listener-result.js';
import { nameOf } from './pattern-destination.js';
import { isRecord } from './rocketmq-record.js';
import { errorReply } from './rpc-error.js';
import { failuresOf } from './rpc-failures.js';

/**
 * Options of a pattern: the last argument of `@EventPattern` or `@MessagePattern`. They are those of `@RocketMQMessageListener`,
 * except that the pattern names the topic and that Nest's pipes know the payload's class.
 */
export type RocketMQPatternOptions = Omit<
  ListenerOptions,
  'topic' | 'payloadType' | 'batch' | 'messageConverter' | 'cluster'
>;

/** A method with a pattern, behind its guards, interceptors, pipes and filters. */
export interface PatternHandler {
  /** Nest's text of the pattern. */
  readonly route: string;
  readonly destination: DestinationObject;
  readonly isEvent: boolean;
  readonly options: RocketMQPatternOptions;
  readonly call: (payload: unknown, context: RocketMQContext) => Promise<unknown>;
}

const PATTERN_OPTIONS = [
  'consumerGroup',
  'tags',
  'selectorExpression',
  'selectorType',
  'payload',
  'reply',
  'replyTimeout',
  'messageModel',
  ...CONSUMER_SETTINGS,
];

/** @throws InvalidOptionError */
export function checkPatternOptions(handler: Pick<PatternHandler, 'route' | 'isEvent'>, given: object): void {
  inside(decoratorOf(handler), undefined, () => {
    if ('batch' in given) {
      throw new InvalidOptionError('batch', given.batch, 'no lists: patterns get one message at a time');
    }
    checkKeys('options', given, PATTERN_OPTIONS);
  });
}

/**
 * The listeners of all patterns. Handlers of the same topic, tags and group make one.
 * @throws InvalidListenerError for handlers that cannot be told apart
 */
export function listenersOf(handlers: readonly PatternHandler[]): DiscoveredListener[] {
  const byPlace = new Map<string, PatternHandler[]>();
  for (const handler of handlers) {
    const { consumerGroup, tags, selectorExpression } = handler.options;
    const { topic, tag = tags ?? selectorExpression } = handler.destination;
    const place = JSON.stringify([topic, tag, consumerGroup]);
    byPlace.set(place, [...(byPlace.get(place) ?? []), handler]);
  }
  return [...byPlace.values()].map(listenerOf);
}

function listenerOf(handlers: readonly PatternHandler[]): DiscoveredListener {
  const [first, ...others] = handlers as [PatternHandler, ...PatternHandler[]];
  const stranger = others.find(({ route }) => route !== first.route);
  if (stranger) {
    const both = `topic '${nameOf(first.destination)}', as that of ${decoratorOf(first)} does. Rename one of them.`;
    throw new InvalidListenerError(decoratorOf(stranger), `its pattern means ${both}`);
  }
  const [request, second] = handlers.filter(({ isEvent }) => !isEvent);
  if (second) {
    throw new InvalidListenerError(
      decoratorOf(second),
      'two handlers would answer the same request. Remove one, or make it an @EventPattern.',
    );
  }
  const options = optionsOf(handlers, request);
  return {
    name: decoratorOf(request ?? first),
    options,
    reading: { kind: options.payload ?? 'json' },
    handle: (payload, context) => {
      const delivery = context as RocketMQContext;
      return request && delivery.isRequest
        ? answer(request, payload, delivery)
        : takeEvent(handlers, payload, delivery);
    },
  };
}

function optionsOf(handlers: readonly PatternHandler[], request: PatternHandler | undefined): ListenerOptions {
  const { topic, tag } = handlers[0]!.destination;
  const options: Record<string, unknown> = {
    topic,
    ...(tag !== undefined && { tags: tag }),
    reply: request !== undefined,
  };
  const setBy = new Map<string, PatternHandler>();
  for (const handler of handlers) {
    for (const [name, value] of Object.entries(handler.options)) {
      const earlier = setBy.get(name);
      if (earlier && options[name] !== value) {
        const reason = `its option ${name} is another than that of ${decoratorOf(earlier)}, with which it shares a consumer.`;
        throw new InvalidListenerError(decoratorOf(handler), reason);
      }
      options[name] = value;
      setBy.set(name, handler);
    }
  }
  return options as unknown as ListenerOptions;
}

/**
 * Calls all handlers; the message is consumed when all have succeeded.
 * @throws what a handler threw, whatever filters made of it
 */
async function takeEvent(
  handlers: readonly PatternHandler[],
  payload: unknown,
  context: RocketMQContext,
): Promise<unknown> {
  const failures = failuresOf(context);
  const results = await Promise.allSettled(
    handlers.map(async ({ call }) => resultOf(await call(payload, context), context)),
  );
  if (failures.length > 0) throw failures[0];
  const rejected = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
  if (rejected) throw rejected.reason;
  const values = results.map((result) => (result as PromiseFulfilledResult<unknown>).value);
  return values.find((value) => Outcome.is(value) && value.kind !== 'ack');
}

/**
 * Resolves with the answer, which may be the error: whoever asks waits for it, and will not wait for another delivery.
 * @throws an Outcome that the handler threw: then the request comes again, and is not answered
 */
async function answer({ call }: PatternHandler, payload: unknown, context: RocketMQContext): Promise<unknown> {
  const failures = failuresOf(context);
  try {
    const value = await firstResultOf(await call(payload, context), context.signal);
    return isRecord(value) ? replyOf(value.data, value.options) : value;
  } catch (error) {
    const outcome = failures.find((failure) => Outcome.is(failure));
    if (outcome !== undefined) throw outcome;
    if (error instanceof ListenerAbortedError) throw error;
    return errorReply(error);
  }
}

function replyOf(data: unknown, { keys, tags, properties }: RocketMQPatternReply): RocketMQReply {
  return new RocketMQReply(data, {
    ...(keys !== undefined && { keys }),
    ...(tags !== undefined && { tags }),
    ...(properties && { properties }),
  });
}

type RocketMQPatternReply = RocketMQReply['options'];

/** "@EventPattern('order:created')" */
export function decoratorOf({ route, isEvent }: Pick<PatternHandler, 'route' | 'isEvent'>): string {
  return `@${isEvent ? 'EventPattern' : 'MessagePattern'}('${route}')`;
}
