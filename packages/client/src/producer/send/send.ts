// Sends one message: makes the attempts, and decides after each failure whether there is another.
import type { Clock, Connection, MessageQueue } from '@nest-rocketmq/remoting/internal';
import {
  MessageProperty,
  RequestTimeoutError,
  Requests,
  ResponseCode,
  ResponseError,
  encodeProperties,
  within,
} from '@nest-rocketmq/remoting/internal';
import type { Brokers } from '../../routes/brokers.js';
import { BrokerNotFoundError, SendFailedError, TopicNotFoundError } from '../../errors.js';
import type { Routes, TopicRoute } from '../../routes/routes.js';
import { Backoff } from '../../time/backoff.js';
import { Attempts } from './attempts.js';
import type { RoundRobin } from '../queues/choose-queue.js';
import { BrokerDelays } from './delay.js';
import type { Delay } from './delay.js';
import type { FaultStrategy } from '../queues/fault-strategy.js';
import type { PreparedMessage } from './outgoing.js';
import type { ProducerTrace } from './producer-trace.js';
import type { SendResult } from '../options/producer-options.js';
import { SendExchanges } from './send-exchange.js';
import { fitsSendFrame } from './send-frames.js';
import { DEFAULT_REGION, isWorthRetrying, toResult } from './send-result.js';
import type { SendRow } from './send-result.js';

export interface SenderOptions {
  /** Producer group. */
  group: string;
  createTopicKey: string;
  defaultTopicQueueNums: number;
  retryTimesWhenSendFailed: number;
  retryAnotherBrokerWhenNotStoreOK: boolean;
  /** ms; -1: none */
  sendMsgMaxTimeoutPerRequest: number;
  /** Goes with each message, as its property INSTANCE_ID. */
  instanceId?: string | undefined;
}

export interface SenderParts {
  clock: Clock;
  routes: Routes;
  brokers: Brokers;
  roundRobin: RoundRobin;
  /** Without it all brokers are alike. */
  faults?: FaultStrategy;
  /** Aborts when no further attempt may be made. */
  closing: AbortSignal;
  /** Told of each message that was stored. */
  trace?: ProducerTrace | undefined;
}

export class Sender {
  readonly #parts: SenderParts;
  readonly #options: SenderOptions;
  readonly #delays: BrokerDelays;
  readonly #exchanges: SendExchanges;

  constructor(parts: SenderParts, options: SenderOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#delays = new BrokerDelays(parts.brokers, parts.clock);
    const { group, createTopicKey, defaultTopicQueueNums } = options;
    this.#exchanges = new SendExchanges({
      group,
      createTopicKey,
      defaultTopicQueueNums,
      stored: this.#stored,
      failed: this.#failed,
      propertiesOf: (message) => this.#properties(message),
      defaultRegion: DEFAULT_REGION,
    });
  }

  /** The topic's route, within `timeout` ms. @throws TopicNotFoundError, NameServerUnreachableError */
  route(topic: string, timeout: number): Promise<TopicRoute> {
    const { clock, routes } = this.#parts;
    const { createTopicKey, defaultTopicQueueNums } = this.#options;
    const known = this.#knownRoute(topic);
    if (known) return Promise.resolve(known);
    return within(
      clock,
      routes.forSending(topic, createTopicKey, defaultTopicQueueNums),
      timeout,
      () => new RequestTimeoutError(routes.nameServers.join(';'), Requests.GET_ROUTEINFO_BY_TOPIC.name, timeout),
    );
  }

  #knownRoute(topic: string): TopicRoute | undefined {
    const known = this.#parts.routes.get(topic);
    return known && known.writable.length > 0 ? known : undefined;
  }

  /** Any queue, and another one where that fails. @param timeout ms, for all attempts together */
  sendToAny(message: PreparedMessage, timeout: number): Promise<SendResult> {
    const startedAt = this.#parts.clock.monotonic();
    const known = this.#knownRoute(message.topic);
    if (known) return this.#sendByRoute(message, timeout, startedAt, known);
    return this.route(message.topic, timeout).then((route) => this.#sendByRoute(message, timeout, startedAt, route));
  }

  /** The first attempt costs nothing that only further ones need. */
  #sendByRoute(message: PreparedMessage, timeout: number, startedAt: number, route: TopicRoute): Promise<SendResult> {
    const { clock, closing, roundRobin, faults = roundRobin } = this.#parts;
    const { retryTimesWhenSendFailed, retryAnotherBrokerWhenNotStoreOK } = this.#options;
    const { writable } = route;
    const queue = faults.choose(message.topic, writable, undefined);
    const left = Math.max(0, Math.ceil(timeout - (clock.monotonic() - startedAt)));
    const attempt = this.sendTo(queue, message, this.#timeoutOf(left, retryTimesWhenSendFailed, writable, queue));
    const goOn = (): Promise<SendResult> =>
      this.#sendAgain(message, new Backoff({ clock, timeout, closing }, startedAt), route, queue, attempt);
    return attempt.then((result) => {
      return result.sendStatus === 'SEND_OK' || !retryAnotherBrokerWhenNotStoreOK ? result : goOn();
    }, goOn);
  }

  /** @param first attempt, at the queue that is given, whose outcome was no success */
  async #sendAgain(
    message: PreparedMessage,
    backoff: Backoff,
    route: TopicRoute,
    queue: MessageQueue,
    first: Promise<SendResult>,
  ): Promise<SendResult> {
    const { routes, roundRobin, faults = roundRobin } = this.#parts;
    const attempts = new Attempts(backoff, this.#options.retryTimesWhenSendFailed);
    let stored: SendResult | undefined;
    let { writable } = route;
    for (let [attempt, chosen] = [first, queue]; ;) {
      attempts.tried.push(chosen.brokerName);
      let failure: unknown;
      try {
        const result = await attempt;
        if (result.sendStatus === 'SEND_OK' || !this.#options.retryAnotherBrokerWhenNotStoreOK) return result;
        stored = result;
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        failure = error;
      }
      if (!(await attempts.goOn(failure, writable))) break;
      writable = writableNow(routes, route);
      chosen = faults.choose(message.topic, attempts.candidates(writable), chosen.brokerName);
      attempt = this.sendTo(chosen, message, this.#timeoutOf(backoff.left, attempts.left, writable, chosen));
    }
    if (stored) return stored;
    throw this.#finalError(message.topic, attempts, backoff.elapsed);
  }

  /** This queue, once. @param timeout ms */
  sendTo(queue: MessageQueue, message: PreparedMessage, timeout: number): Promise<SendResult> {
    const { faults } = this.#parts;
    if (!faults) return this.#sendOnce(queue, message, timeout);
    return faults.measure(queue.brokerName, () => this.#sendOnce(queue, message, timeout));
  }

  #sendOnce(queue: MessageQueue, message: PreparedMessage, timeout: number): Promise<SendResult> {
    const address = this.#parts.routes.brokerAddress(queue.brokerName);
    if (address === undefined || message.delay) return this.#sendLater(queue, message, timeout);
    return this.#exchange(queue, message, address, timeout);
  }

  /** Where something has to be asked for first. */
  async #sendLater(queue: MessageQueue, given: PreparedMessage, timeout: number): Promise<SendResult> {
    const address = await this.#addressOf(queue);
    let message = given;
    try {
      if (given.delay) message = await this.#delayed(given, given.delay, queue, address);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    return this.#exchange(queue, message, address, timeout);
  }

  /** Resolves once the bytes are queued, with the connection that they are to go out on. */
  async sendOneway(queue: MessageQueue, given: PreparedMessage): Promise<Connection> {
    const address = await this.#addressOf(queue);
    const message = given.delay ? await this.#delayed(given, given.delay, queue, address) : given;
    return this.#parts.brokers.oneway<SendRow>(address, this.#row(message), this.#header(queue, message), {
      body: message.body,
    });
  }

  /** One request and its answer. */
  #exchange(queue: MessageQueue, message: PreparedMessage, address: string, timeout: number): Promise<SendResult> {
    const { brokers, trace, clock } = this.#parts;
    const startedAt = trace ? clock.now() : 0;
    const connection = brokers.ready(address);
    if (connection?.takesEncodedRequests && fitsSendFrame(message)) {
      return this.#exchanges.send(connection, this.#row(message), queue, message, timeout, startedAt);
    }
    return brokers
      .request<SendRow>(address, this.#row(message), this.#header(queue, message), { body: message.body, timeout })
      .then((reply) => {
        const result = toResult(reply, queue, message, address);
        this.#stored(message, result, address, startedAt);
        return result;
      })
      .catch((error: unknown) => {
        this.#failed(error);
        throw error;
      });
  }

  readonly #stored = (message: PreparedMessage, result: SendResult, address: string, startedAt: number): void => {
    this.#parts.routes.created(message.topic);
    this.#parts.trace?.sent(message, result, address, startedAt);
  };

  readonly #failed = (error: unknown): void => {
    if (!(error instanceof ResponseError)) this.#parts.routes.refreshSoon();
  };

  async #addressOf(queue: MessageQueue): Promise<string> {
    const { routes } = this.#parts;
    const known = routes.brokerAddress(queue.brokerName);
    if (known) return known;
    await routes.resolve(queue.topic);
    const found = routes.brokerAddress(queue.brokerName);
    if (!found) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
    return found;
  }

  async #delayed(
    message: PreparedMessage,
    delay: Delay,
    { brokerName: name }: MessageQueue,
    address: string,
  ): Promise<PreparedMessage> {
    const property = await this.#delays.property(delay, message.topic, { name, address });
    return property ? { ...message, properties: new Map([...message.properties, property]) } : message;
  }

  #row(message: PreparedMessage): SendRow {
    if (message.reply) return Requests.SEND_REPLY_MESSAGE_V2;
    return message.batch ? Requests.SEND_BATCH_MESSAGE : Requests.SEND_MESSAGE_V2;
  }

  #header(queue: MessageQueue, message: PreparedMessage) {
    return {
      a: this.#options.group,
      b: message.topic,
      c: this.#options.createTopicKey,
      d: this.#options.defaultTopicQueueNums,
      e: queue.queueId,
      f: message.sysFlag,
      g: message.bornTimestamp,
      h: message.flag,
      i: encodeProperties(this.#properties(message)),
      j: message.reconsumeTimes ?? 0,
      k: false,
      ...(message.maxReconsumeTimes !== undefined && { l: message.maxReconsumeTimes }),
      m: message.batch,
      n: queue.brokerName,
    };
  }

  #properties({ properties }: PreparedMessage): ReadonlyMap<string, string> {
    const { instanceId } = this.#options;
    return instanceId === undefined ? properties : new Map(properties).set(MessageProperty.INSTANCE_ID, instanceId);
  }

  /** Limits one attempt, while there is another broker to try, so that it does not use up all the time. */
  #timeoutOf(left: number, attemptsLeft: number, writable: readonly MessageQueue[], queue: MessageQueue): number {
    const remaining = Math.max(1, left);
    const cap = this.#options.sendMsgMaxTimeoutPerRequest;
    const others = attemptsLeft > 0 && writable.some((other) => other.brokerName !== queue.brokerName);
    return others && cap > 0 ? Math.min(cap, remaining) : remaining;
  }

  #finalError(topic: string, { tried, failure: cause, lastFailure }: Attempts, elapsed: number): Error {
    if (cause instanceof ResponseError && cause.responseCode === ResponseCode.TOPIC_NOT_EXIST) {
      return new TopicNotFoundError(topic, this.#parts.routes.nameServers, `is not known to ${cause.address}`, {
        cause,
      });
    }
    return new SendFailedError(topic, tried.length, Math.round(elapsed), tried, { cause, lastFailure });
  }
}

/** A broker may have moved since the send began. */
function writableNow(routes: Routes, route: TopicRoute): readonly MessageQueue[] {
  const now = routes.get(route.topic)?.writable ?? [];
  return now.length > 0 ? now : route.writable;
}
