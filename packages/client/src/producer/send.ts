// Sends one message: makes the attempts, and decides after each failure whether there is another.
import type { Clock, Connection, MessageQueue, Reply } from '@nest-rocketmq/remoting/internal';
import {
  MessageProperty,
  RequestTimeoutError,
  Requests,
  ResponseCode,
  ResponseError,
  RocketMQError,
  encodeProperties,
  within,
} from '@nest-rocketmq/remoting/internal';
import type { Brokers } from '../routes/brokers.js';
import { MQClientError } from '../client-error.js';
import { BrokerNotFoundError, SendFailedError, TopicNotFoundError } from '../errors.js';
import type { Routes, TopicRoute } from '../routes/routes.js';
import { Backoff } from '../time/backoff.js';
import { Attempts } from './attempts.js';
import type { RoundRobin } from './choose-queue.js';
import { BrokerDelays } from './delay.js';
import type { Delay } from './delay.js';
import type { FaultStrategy } from './fault-strategy.js';
import type { PreparedMessage } from './outgoing.js';
import type { ProducerTrace } from './producer-trace.js';
import type { SendResult, SendStatus } from './producer-options.js';

/** SEND_BATCH_MESSAGE and SEND_REPLY_MESSAGE_V2 have the same fields. */
type SendRow = typeof Requests.SEND_MESSAGE_V2;

/** Answers after which another broker is tried: Apache's retryResponseCodes. */
const RETRY_RESPONSE_CODES = new Set<number>([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
]);

const STATUS_OF = new Map<number, SendStatus>([
  [ResponseCode.SUCCESS, 'SEND_OK'],
  [ResponseCode.FLUSH_DISK_TIMEOUT, 'FLUSH_DISK_TIMEOUT'],
  [ResponseCode.FLUSH_SLAVE_TIMEOUT, 'FLUSH_SLAVE_TIMEOUT'],
  [ResponseCode.SLAVE_NOT_AVAILABLE, 'SLAVE_NOT_AVAILABLE'],
]);

const DEFAULT_REGION = 'DefaultRegion';

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

  constructor(parts: SenderParts, options: SenderOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#delays = new BrokerDelays(parts.brokers, parts.clock);
  }

  /** The topic's route, within `timeout` ms. @throws TopicNotFoundError, NameServerUnreachableError */
  route(topic: string, timeout: number): Promise<TopicRoute> {
    const { clock, routes } = this.#parts;
    const { createTopicKey, defaultTopicQueueNums } = this.#options;
    const known = routes.get(topic);
    if (known && known.writable.length > 0) return Promise.resolve(known);
    return within(
      clock,
      routes.forSending(topic, createTopicKey, defaultTopicQueueNums),
      timeout,
      () => new RequestTimeoutError(routes.nameServers.join(';'), Requests.GET_ROUTEINFO_BY_TOPIC.name, timeout),
    );
  }

  /** Any queue, and another one where that fails. @param timeout ms, for all attempts together */
  async sendToAny(message: PreparedMessage, timeout: number): Promise<SendResult> {
    const { clock, closing, routes, roundRobin, faults = roundRobin } = this.#parts;
    const backoff = new Backoff({ clock, timeout, closing });
    const route = await this.route(message.topic, timeout);
    const attempts = new Attempts(backoff, this.#options.retryTimesWhenSendFailed);
    let stored: SendResult | undefined;
    for (let again = true, { writable } = route; again; writable = writableNow(routes, route)) {
      const queue = faults.choose(message.topic, attempts.candidates(writable), attempts.tried.at(-1));
      attempts.tried.push(queue.brokerName);
      try {
        const result = await this.sendTo(queue, message, this.#timeoutOf(backoff.left, attempts.left, writable, queue));
        if (result.sendStatus === 'SEND_OK' || !this.#options.retryAnotherBrokerWhenNotStoreOK) return result;
        stored = result;
        again = await attempts.goOn(undefined, writable);
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        again = await attempts.goOn(error, writable);
      }
    }
    if (stored) return stored;
    throw this.#finalError(message.topic, attempts, backoff.elapsed);
  }

  /** This queue, once. @param timeout ms */
  sendTo(queue: MessageQueue, message: PreparedMessage, timeout: number): Promise<SendResult> {
    const { faults } = this.#parts;
    if (!faults) return this.#sendTo(queue, message, timeout);
    return faults.measure(queue.brokerName, () => this.#sendTo(queue, message, timeout));
  }

  async #sendTo(queue: MessageQueue, given: PreparedMessage, timeout: number): Promise<SendResult> {
    const { brokers, routes, trace, clock } = this.#parts;
    const address = await this.#addressOf(queue);
    const startedAt = trace ? clock.now() : 0;
    try {
      const message = given.delay ? await this.#delayed(given, given.delay, queue, address) : given;
      const reply = await brokers.request<SendRow>(address, this.#row(message), this.#header(queue, message), {
        body: message.body,
        timeout,
      });
      const result = toResult(reply, queue, message, address);
      routes.created(message.topic);
      trace?.sent(message, result, address, startedAt);
      return result;
    } catch (error) {
      if (!(error instanceof ResponseError)) routes.refreshSoon();
      throw error;
    }
  }

  /** Resolves once the bytes are queued, with the connection that they are to go out on. */
  async sendOneway(queue: MessageQueue, given: PreparedMessage): Promise<Connection> {
    const address = await this.#addressOf(queue);
    const message = given.delay ? await this.#delayed(given, given.delay, queue, address) : given;
    return this.#parts.brokers.oneway<SendRow>(address, this.#row(message), this.#header(queue, message), {
      body: message.body,
    });
  }

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

function isWorthRetrying(error: unknown): boolean {
  if (error instanceof ResponseError) return RETRY_RESPONSE_CODES.has(error.responseCode);
  return error instanceof BrokerNotFoundError || (error instanceof RocketMQError && !(error instanceof MQClientError));
}

function toResult(reply: Reply<SendRow>, queue: MessageQueue, message: PreparedMessage, address: string): SendResult {
  const sendStatus = STATUS_OF.get(reply.code);
  if (!sendStatus) throw new ResponseError(reply.code, reply.remark, address, reply.row.name);
  const { msgId = '', queueId = queue.queueId, queueOffset = -1, transactionId, recallHandle } = reply.header;
  return {
    sendStatus,
    msgId: message.msgId,
    offsetMsgId: msgId,
    messageQueue: { topic: queue.topic, brokerName: queue.brokerName, queueId },
    queueOffset,
    ...(transactionId !== undefined && { transactionId }),
    ...(recallHandle !== undefined && { recallHandle }),
    regionId: reply.extFields['MSG_REGION'] ?? DEFAULT_REGION,
    traceOn: reply.extFields['TRACE_ON'] !== 'false',
  };
}
