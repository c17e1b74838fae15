// Keeps what the listeners of a test's app were given, and what became of it.
import type { Type } from '@nestjs/common';
import type { Message } from '../decorators/message.js';
import type { Consumption } from '../listeners/container-settings.js';
import { ofCluster } from './cluster-clock.js';
import { brief, keysOf, matches } from './matching.js';
import type { MessageMatch } from './matching.js';
import type { RocketMQListeners } from '../listeners/rocketmq-listeners.js';

/** A delivery to a listener, with its payload decoded. */
export interface DeliveredMessage<P = unknown> extends Consumption {
  /** Whose listener it was: `name` of the cluster's forRoot; 'default' for the one without. */
  readonly cluster: string;
  readonly payload: P;
}

/** Which of the deliveries. */
export type DeliveryMatch<P> = MessageMatch<P, DeliveredMessage<P>>;

/** A class with a listener: its payload is that of `onMessage`. */
export type ListenerClass = abstract new (...args: never[]) => object;

/** Where a message is expected: a listener's class, or a topic. */
export type DeliveryTarget = string | { readonly topic: string } | ListenerClass;

type Unlisted<P> = P extends readonly Message<infer T>[] ? T : P;

/** The payload that a listener's class takes; `unknown` for a topic. */
export type PayloadOf<T> = T extends abstract new (...args: never[]) => {
  onMessage(payload: infer P, ...rest: never[]): unknown;
}
  ? Unlisted<P>
  : unknown;

export interface DeliveryQuery {
  readonly target: DeliveryTarget;
  readonly match: MessageMatch<never, DeliveredMessage> | undefined;
  readonly outcome: Consumption['outcome'];
  readonly group: string | undefined;
  readonly cluster: string | undefined;
}

export class RecordedDeliveries {
  #deliveries: DeliveredMessage[] = [];

  /** @param onDelivery is called after each */
  watch(listeners: RocketMQListeners, onDelivery: () => void): void {
    const { messageConverter, cluster } = listeners.underTest.options;
    const payloadOf = ({ context, listener }: Consumption): unknown => {
      try {
        return messageConverter.decode(context.message, listener?.options.payload ?? 'json');
      } catch {
        return context.message.body.toString('utf8');
      }
    };
    listeners.consumptions.subscribe((consumption) => {
      this.#deliveries.push({ ...consumption, cluster: cluster.name, payload: payloadOf(consumption) });
      onDelivery();
    });
  }

  clear(): void {
    this.#deliveries = [];
  }

  get all(): readonly DeliveredMessage[] {
    return this.#deliveries;
  }

  find({ target, match, outcome, group, cluster }: DeliveryQuery): DeliveredMessage[] {
    return this.#deliveries.filter(
      (each) =>
        each.outcome === outcome &&
        (group === undefined || each.group === group) &&
        (cluster === undefined || each.cluster === cluster) &&
        isOf(each, target) &&
        matches({ ...each, properties: each.context.properties, msgId: each.context.msgId }, match as never),
    );
  }

  /** How often a message was given to a listener. @param id its key or id @param of a cluster */
  attempts(id: string, of?: string): number {
    return this.#deliveries.filter(
      ({ context, cluster }) =>
        (context.msgId === id || keysOf(context.properties).includes(id)) && (of === undefined || cluster === of),
    ).length;
  }

  /** The last ones, for an error. */
  describe(most: number): string[] {
    const lines = this.#deliveries.slice(-most).map((each) => {
      const failure =
        each.error === undefined ? '' : `: ${brief(each.error instanceof Error ? each.error.message : each.error)}`;
      return `${describeDelivery(each)} ${brief(each.payload)}${ofCluster(each.cluster)}${failure}`;
    });
    const more = this.#deliveries.length - lines.length;
    return more > 0 ? [`${more} earlier ones`, ...lines] : lines;
  }
}

function isOf({ context, listener }: Consumption, target: DeliveryTarget): boolean {
  if (typeof target === 'string') return context.topic === target;
  if (typeof target !== 'function') return context.topic === target.topic;
  return listener?.type === target || (listener?.type?.prototype as unknown) instanceof (target as Type<object>);
}

/** 'consumed by shop: order:paid', for an error. */
export function describeDelivery({ outcome, group, context: { topic, tags } }: Consumption): string {
  return `${outcome} by ${group}: ${topic}${tags === undefined ? '' : `:${tags}`}`;
}

/** For an error. */
export function nameOf(target: DeliveryTarget): string {
  if (typeof target === 'string') return `topic ${target}`;
  return typeof target === 'function' ? target.name : `topic ${target.topic}`;
}
