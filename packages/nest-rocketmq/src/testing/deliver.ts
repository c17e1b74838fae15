// Gives a listener a message as a broker would, through everything that an app puts in front of it, without a broker.
import { Outcome } from '@nest-rocketmq/client';
import type { ConsumeContext, PushConsumerOptions, RocketMQClient } from '@nest-rocketmq/client';
import { InvalidOptionError, MessageProperty, UniqueIdMaker } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { selectionOf } from '../discovery/listener-selection.js';
import { groupListeners } from '../listeners/listener-groups.js';
import { ListenerContainer } from '../listeners/listener-container.js';
import type { Consumption } from '../listeners/container-settings.js';
import type { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { parseDestination } from '../message/destination.js';
import type { MessageOptions } from '../message/outgoing-message.js';
import { compose } from '../message/outgoing-message.js';
import { checkInteger, checkKeys, inside } from '../option-checks.js';
import type { ListenerClass } from './recorded-deliveries.js';

/** A listener: its class, its class and method, or the topic that it listens to. */
export type ListenerChoice = ListenerClass | readonly [listener: ListenerClass, method: string] | string;

/** How a message is delivered by `deliver`. */
export interface DeliverOptions extends MessageOptions {
  /** Default: that of the listener. */
  topic?: string;
  /** How often it was delivered before. Default 0. */
  reconsumeTimes?: number;
  /** Default: a new one. */
  msgId?: string;
  /** Whose listener: `name` of the cluster's forRoot; 'default' for the one without. Default: of any. */
  cluster?: string;
}

/** What became of a message that `deliver` has given to a listener. */
export interface DeliveryResult extends Consumption {
  /** What the broker would have been told: `Outcome.ack`, a retry or the dead letters. */
  readonly verdict: Outcome;
}

const DELIVER_OPTIONS = ['topic', 'reconsumeTimes', 'msgId', 'cluster'] as const;
const MOST_DELIVERIES = 1_000_000;
const NO_ADDRESS = { address: Buffer.from([127, 0, 0, 1]), port: 0 };

/** @param all the listeners of the clusters that may be meant @throws InvalidOptionError unless exactly one is meant */
export async function deliver(
  all: readonly RocketMQListeners[],
  choice: ListenerChoice,
  payload: unknown,
  options: DeliverOptions,
  now: number,
): Promise<DeliveryResult> {
  const [of, listener] = await chosenOf(all, choice);
  const { options: module, settings } = of.underTest;
  const [group] = groupListeners([listener], module.group, undefined, module.consumer.consumeMode);
  const composer = { converter: module.messageConverter, highestDelayLevel: module.highestDelayLevel };
  const message = inside('RocketMQTesting.deliver', undefined, () =>
    messageOf(listener, composer, payload, options, now),
  );
  let consumer: PushConsumerOptions | undefined;
  let consumption: Consumption | undefined;
  const client = { createPushConsumer: (given: PushConsumerOptions) => ((consumer = given), {}) };
  new ListenerContainer(client as unknown as RocketMQClient, group!, {
    ...settings,
    holdBack: undefined,
    onConsumption: (each) => {
      consumption = each;
      settings.onConsumption(each);
    },
  });
  const answer: unknown = await consumer!.listener([message], delivery(message));
  const [verdict = Outcome.ack] = [answer].flat() as (Outcome | undefined)[];
  return { ...consumption!, verdict };
}

async function chosenOf(
  all: readonly RocketMQListeners[],
  choice: ListenerChoice,
): Promise<[RocketMQListeners, DiscoveredListener]> {
  const owners = new Map<DiscoveredListener, RocketMQListeners>();
  for (const each of all) {
    const { explorer, options } = each.underTest;
    for (const listener of await explorer.messageListeners(selectionOf(options))) owners.set(listener, each);
  }
  const listener = chosen([...owners.keys()], choice);
  return [owners.get(listener)!, listener];
}

/** @throws InvalidOptionError unless exactly one listener is meant */
function chosen(all: readonly DiscoveredListener[], choice: ListenerChoice): DiscoveredListener {
  const found = all.filter((each) => {
    if (typeof choice === 'string') return each.options.topic === choice;
    const [type, method] = typeof choice === 'function' ? [choice] : choice;
    return each.type === type && (method === undefined || each.method === method);
  });
  if (found.length === 1) return found[0]!;
  const named = typeof choice === 'function' ? choice.name : String(choice);
  const names = (found.length > 1 ? found : all).map(({ name }) => name).join(', ') || 'none';
  const allowed =
    found.length > 1 ? `one of its listeners, as [Class, 'method']: ${names}` : `a listener of this app: ${names}`;
  throw new InvalidOptionError('listener', named, allowed, 'RocketMQTesting.deliver');
}

function messageOf(
  { options: { topic, tags } }: DiscoveredListener,
  composer: Parameters<typeof compose>[0],
  payload: unknown,
  options: DeliverOptions,
  now: number,
): MessageExt {
  checkKeys('options', options, ['tags', 'keys', 'properties', ...DELIVER_OPTIONS]);
  const { topic: given = topic, reconsumeTimes = 0, msgId = new UniqueIdMaker().next(now), ...others } = options;
  const { cluster: _cluster, ...rest } = others;
  const [tag] = [tags ?? []].flat().flatMap((each) => each.split('||').map((one) => one.trim()));
  const destination = parseDestination(given);
  const isAny = tag === undefined || tag === '*' || tag === '';
  const ownTag = destination.tag === undefined && rest.tags === undefined && !isAny ? { tags: tag } : {};
  const message = compose(composer, given, payload, { ...rest, ...ownTag }, []);
  const properties = new Map(Object.entries(message.properties ?? {}));
  if (message.tags !== undefined) properties.set(MessageProperty.TAGS, message.tags);
  if (message.keys !== undefined) properties.set(MessageProperty.KEYS, [message.keys].flat().join(' '));
  properties.set(MessageProperty.UNIQ_KEY, msgId);
  return {
    topic: destination.topic,
    body: Buffer.from(message.body),
    properties,
    msgId,
    offsetMsgId: '',
    flag: 0,
    sysFlag: 0,
    queueId: 0,
    queueOffset: 0,
    physicalOffset: 0,
    preparedTransactionOffset: 0,
    storeSize: message.body.length,
    bodyCrc: 0,
    bornTimestamp: now,
    storeTimestamp: now,
    bornHost: NO_ADDRESS,
    storeHost: NO_ADDRESS,
    reconsumeTimes: checkInteger('reconsumeTimes', reconsumeTimes, 0, MOST_DELIVERIES),
  } as unknown as MessageExt;
}

function delivery(message: MessageExt): ConsumeContext {
  return {
    messageQueue: { topic: message.topic, brokerName: 'testing', queueId: message.queueId },
    delayLevelWhenNextConsume: 0,
    ackIndex: 0,
    suspendCurrentQueueTimeMillis: -1,
    signal: new AbortController().signal,
  } as ConsumeContext;
}
