// Gives the template the names of rocketmq-spring's methods, as thin aliases of its own.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { SendResult } from '@nest-rocketmq/client';
import type { Duration } from '../message/delay.js';
import type { AnyDestination, PayloadOf } from '../message/topic.js';
import type { RequestOptions } from './request-options.js';
import type { SendOptions } from './send-options.js';

/**
 * rocketmq-spring's methods with its order of parameters. Each is the template's `send`, `sendOneWay` or `request`, whose
 * options say the same by name and can say more.
 */
export abstract class SpringNames {
  abstract send<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options?: SendOptions,
  ): Promise<SendResult>;

  abstract sendOneWay<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options?: SendOptions,
  ): Promise<void>;

  abstract request<T = unknown, D extends AnyDestination = AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options?: RequestOptions,
  ): Promise<T>;

  /** The same as `send`, under rocketmq-spring's name. */
  convertAndSend<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    options?: SendOptions,
  ): Promise<SendResult> {
    return this.send(destination, payload, options);
  }

  /** rocketmq-spring's name of `send(destination, payload, { timeout, delayLevel })`. @param timeout ms, or '5s' */
  syncSend<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    timeout?: Duration,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, optionsOf('syncSend', { timeout, delayLevel }));
  }

  /**
   * rocketmq-spring's name of `send`, which returns a promise where rocketmq-spring takes a SendCallback.
   * @param timeout ms, or '5s'
   * @throws InvalidOptionError for a callback
   */
  asyncSend<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    timeout?: Duration,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, optionsOf('asyncSend', { timeout, delayLevel }));
  }

  /** rocketmq-spring's name of `send(destination, payload, { shardingKey, timeout, delayLevel })`. @param timeout ms, or '5s' */
  syncSendOrderly<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    hashKey: string,
    timeout?: Duration,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, optionsOf('syncSendOrderly', { shardingKey: hashKey, timeout, delayLevel }));
  }

  /** The same as `syncSendOrderly`: its promise stands for rocketmq-spring's SendCallback. @throws InvalidOptionError for a callback */
  asyncSendOrderly<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    hashKey: string,
    timeout?: Duration,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(
      destination,
      payload,
      optionsOf('asyncSendOrderly', { shardingKey: hashKey, timeout, delayLevel }),
    );
  }

  /** rocketmq-spring's name of `sendOneWay(destination, payload, { shardingKey })`. */
  sendOneWayOrderly<D extends AnyDestination>(destination: D, payload: PayloadOf<D>, hashKey: string): Promise<void> {
    return this.sendOneWay(destination, payload, { shardingKey: hashKey });
  }

  /** rocketmq-spring's name of `send(destination, payload, { delay })`. @param seconds until the delivery, from 0 on */
  syncSendDelayTimeSeconds<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    seconds: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { delay: seconds * 1000 });
  }

  /** rocketmq-spring's name of `send(destination, payload, { delay })`. @param delay ms until the delivery, from 0 on */
  syncSendDelayTimeMills<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    delay: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { delay });
  }

  /** rocketmq-spring's name of `send(destination, payload, { deliverAt })`. @param time of the delivery, ms since the epoch */
  syncSendDeliverTimeMills<D extends AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    time: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { deliverAt: new Date(time) });
  }

  /**
   * rocketmq-spring's name of `request`, without the reply's class: name the type instead, `sendAndReceive<Stock>(…)`.
   * @param timeout ms, or '5s'
   */
  sendAndReceive<T = unknown, D extends AnyDestination = AnyDestination>(
    destination: D,
    payload: PayloadOf<D>,
    timeout?: Duration,
  ): Promise<T> {
    return this.request<T, D>(destination, payload, optionsOf('sendAndReceive', { timeout }));
  }
}

interface PositionalOptions {
  readonly shardingKey?: string;
  readonly timeout?: Duration | undefined;
  readonly delayLevel?: number | undefined;
}

/** @throws InvalidOptionError for what rocketmq-spring takes in the place of a timeout */
function optionsOf(method: string, { shardingKey, timeout, delayLevel }: PositionalOptions): SendOptions {
  if (typeof timeout === 'function' || typeof timeout === 'object') {
    const instead =
      `ms, or a length such as '5s'. A callback or the class of a reply has no place here: await the promise that ` +
      `${method} returns. Other options go to send(destination, payload, options)`;
    throw new InvalidOptionError('timeout', timeout, instead, `RocketMQTemplate.${method}`);
  }
  return {
    ...(shardingKey !== undefined && { shardingKey }),
    ...(timeout !== undefined && { timeout }),
    ...(delayLevel !== undefined && { delayLevel }),
  };
}
