// Describes a consumer group of the app and its state, for whoever manages listeners at run time.
import type { ConsumeMode } from '@nest-rocketmq/client';
import type { CheckedConsumerSettings } from '../options/consumer-settings.js';
import type { ListenerGroup } from './listener-groups.js';

/** A consumer group of the app, as `RocketMQListeners.list` returns it. */
export interface ListenerGroupState {
  readonly group: string;
  /** 'paused': it has its queues and takes no message from them. 'stopped': other members of the group have its queues. */
  readonly state: 'running' | 'paused' | 'stopped';
  /** How many messages it handles at the same time, at most. */
  readonly concurrency: number;
  /** How many calls of its listeners are under way. */
  readonly active: number;
  /** 'order', 'order:paid' or, for several tags, 'order:paid || refunded'. */
  readonly subscriptions: readonly string[];
  /** 'CancelUnpaidOrder.onMessage (OrdersModule)' */
  readonly listeners: readonly string[];
}

/** The client's defaults: messages at the same time. */
const CONCURRENCY: Readonly<Record<ConsumeMode, number>> = { CONCURRENTLY: 20, ORDERLY: 20, KEY_ORDERED: 64 };

/** The state of a group that does not listen. @param defaults the module's */
export function stoppedState(group: ListenerGroup, defaults: CheckedConsumerSettings): ListenerGroupState {
  const { consumeMode = 'CONCURRENTLY', concurrency } = { ...defaults, ...group.shared };
  return {
    group: group.group,
    state: 'stopped',
    concurrency: concurrency ?? CONCURRENCY[consumeMode],
    active: 0,
    subscriptions: group.subscriptions.map(({ topic, expression }) =>
      expression === undefined || expression === '*' ? topic : `${topic}:${expression}`,
    ),
    listeners: group.listeners,
  };
}

/** The states of all groups. @param containers those that run @param defaults the module's */
export function statesOf(
  groups: readonly ListenerGroup[],
  containers: readonly { readonly name: string; readonly state: ListenerGroupState }[],
  defaults: CheckedConsumerSettings,
): ListenerGroupState[] {
  return groups.map((group) => {
    const container = containers.find(({ name }) => name === group.group);
    return container?.state ?? stoppedState(group, defaults);
  });
}
