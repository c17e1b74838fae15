// Gives a failed message back, so that the group gets it again later: to the broker that has it, else as a copy in the
// group's retry topic.
import {
  AUTO_CREATE_TOPIC_KEY,
  DEFAULT_MESSAGE_DELAY_LEVEL,
  MessageProperty,
  Requests,
  dlqTopic,
  expectSuccess,
  isDLQTopic,
  parseDelayLevels,
  retryTopic,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { BrokerNotFoundError, describe } from '../../errors.js';
import { retryUntilReached } from '../../time/backoff.js';
import { RoundRobin } from '../../producer/queues/choose-queue.js';
import { nearestLevel } from '../../producer/send/delay.js';
import { compressed } from '../../producer/send/outgoing.js';
import { sysFlagOfCopy } from '../../producer/send/copy-flags.js';
import type { PreparedMessage } from '../../producer/send/outgoing.js';
import { Sender } from '../../producer/send/send.js';
import { DLQ_REASON, OF_ONE_DELIVERY } from '../../dead-letters/properties.js';
import type { ConsumeHooks } from './consume-hooks.js';
import { Outcome } from '../options/outcome.js';

const SEND_BACK_TIMEOUT_MS = 5_000;
const SEND_TIMEOUT_MS = 3_000;
/** The first retry's delay level (10 s); each further one has the next. */
const FIRST_RETRY_LEVEL = 3;
const DEAD_LETTER_LEVEL = -1;
const ENDLESS = 0x7fffffff;
/** A producer's defaults: the body was decompressed when it arrived. */
const COMPRESSION = { compressMsgBodyOverHowmuch: 4_096, compressType: 'ZLIB', compressLevel: 5 } as const;
/** Apache's name for a consumer's own producer. */
const INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER';

const LESS_IS_KEPT = 'Its broker is asked to give it back, which keeps no reason and has only levels of delay.';
const TRIED_AGAIN = 'It is tried again here, some seconds later.';

export class SendBack {
  readonly #context: ClientContext;
  readonly #group: string;
  readonly #maxReconsumeTimes: number;
  readonly #sender: Sender;
  readonly #hooks: ConsumeHooks | undefined;

  constructor(context: ClientContext, group: string, maxReconsumeTimes: number, hooks?: ConsumeHooks) {
    this.#hooks = hooks;
    this.#context = context;
    this.#group = group;
    this.#maxReconsumeTimes = maxReconsumeTimes;
    const { clock, routes, brokers, closing } = context;
    this.#sender = new Sender(
      { clock, routes, brokers, roundRobin: new RoundRobin(), closing },
      {
        group: INNER_PRODUCER_GROUP,
        createTopicKey: AUTO_CREATE_TOPIC_KEY,
        defaultTopicQueueNums: 1,
        retryTimesWhenSendFailed: 2,
        retryAnotherBrokerWhenNotStoreOK: false,
        sendMsgMaxTimeoutPerRequest: -1,
      },
    );
  }

  /** @returns false when no way worked; the message is still ours then */
  giveBack(message: MessageExt, outcome: Outcome): Promise<boolean> {
    const give = (): Promise<boolean> => this.#giveBack(message, outcome);
    return this.#hooks ? this.#hooks.settle(message, outcome, give) : give();
  }

  async #giveBack(message: MessageExt, given: Outcome): Promise<boolean> {
    const outcome = this.#withReason(message, given);
    const level = levelOf(outcome);
    if (this.#needsCopy(message, level)) return this.#sendCopy(message, outcome);
    // The broker's own way knows levels alone, and writes no reason down.
    if (this.#saysMore(message, outcome) && (await this.#sendCopy(message, outcome, LESS_IS_KEPT))) return true;
    try {
      await this.#askBroker(message, level === 0 ? levelNear(outcome.delay) : level);
      return true;
    } catch (error) {
      if (!this.#context.outages.met(error)) {
        this.#context.logger.warn(`message ${message.msgId} could not be given back to its broker: ${describe(error)}`);
      }
    }
    return this.#sendCopy(message, level === DEAD_LETTER_LEVEL ? outcome : Outcome.retry);
  }

  /** After the last try the error is the reason: the broker, which counts the tries too, knows none. */
  #withReason({ topic, reconsumeTimes }: MessageExt, outcome: Outcome): Outcome {
    const isLast = reconsumeTimes >= this.#maxReconsumeTimes && topic !== dlqTopic(this.#group);
    return isLast ? outcome.givenUp() : outcome;
  }

  #saysMore({ reconsumeTimes }: MessageExt, { kind, delay, reason }: Outcome): boolean {
    if (kind === 'deadLetter') return reason !== undefined;
    return delay !== undefined && reconsumeTimes < this.#maxReconsumeTimes;
  }

  /**
   * Apache's broker takes a dead letter for the message that it was: with the topic and the count of that one, so that it
   * never comes again as itself. And a group that gives up its own dead letter gets it again at once, without end.
   */
  #needsCopy(message: MessageExt, delayLevel: number): boolean {
    if (message.topic === dlqTopic(this.#group)) return true;
    const retried = message.properties.get(MessageProperty.RETRY_TOPIC) === message.topic;
    return isDLQTopic(message.topic) && !retried && delayLevel >= 0 && this.#maxReconsumeTimes > 0;
  }

  /** @param otherwise what follows where that fails, for the log */
  async #sendCopy(message: MessageExt, outcome: Outcome, otherwise = TRIED_AGAIN): Promise<boolean> {
    try {
      await this.#sender.sendToAny(await this.#copy(message, outcome), SEND_TIMEOUT_MS);
      return true;
    } catch (error) {
      this.#context.logger.error(
        `message ${message.msgId} could not be sent to the retry topic: ${describe(error)} ${otherwise}`,
      );
      return false;
    }
  }

  async #askBroker(message: MessageExt, delayLevel: number): Promise<void> {
    const { clock, closing } = this.#context;
    await retryUntilReached({ clock, closing, timeout: SEND_BACK_TIMEOUT_MS }, (left) =>
      this.#ask(message, delayLevel, left),
    );
  }

  async #ask(message: MessageExt, delayLevel: number, timeout: number): Promise<void> {
    const { brokers, routes } = this.#context;
    const brokerName = message.brokerName ?? '';
    const address = routes.brokerAddress(brokerName);
    if (!address) throw new BrokerNotFoundError(brokerName, message.topic);
    const reply = await brokers.request(
      address,
      Requests.CONSUMER_SEND_MSG_BACK,
      {
        offset: message.physicalOffset,
        group: this.#group,
        delayLevel,
        originMsgId: message.msgId,
        originTopic: message.topic,
        unitMode: false,
        maxReconsumeTimes: this.#maxReconsumeTimes,
        bname: brokerName,
      },
      { timeout },
    );
    expectSuccess(reply, address);
  }

  #copy(message: MessageExt, outcome: Outcome): PreparedMessage | Promise<PreparedMessage> {
    const { topic, reconsumeTimes } = message;
    const own = topic === dlqTopic(this.#group);
    const dead = outcome.kind === 'deadLetter' && !own;
    const delay = dead ? undefined : outcome.delay;
    const properties = originOf(message);
    if (dead) describeDeath(properties, message, outcome);
    else if (delay === undefined) {
      properties.set(MessageProperty.DELAY, String(outcome.level ?? FIRST_RETRY_LEVEL + reconsumeTimes));
    }
    const now = this.#context.clock.now();
    const copy = {
      topic: retryTopic(this.#group),
      body: message.body,
      properties,
      flag: message.flag,
      sysFlag: sysFlagOfCopy(message.sysFlag),
      bornTimestamp: now,
      msgId: message.msgId,
      batch: false,
      reconsumeTimes: reconsumeTimes + 1,
      // A count beyond the limit makes the broker store it among the dead letters. Beyond a group's own dead letters there is
      // nothing: such a message comes again, ever later.
      maxReconsumeTimes: own ? ENDLESS : dead ? reconsumeTimes : this.#maxReconsumeTimes,
      ...(delay !== undefined && { delay: { length: delay, deliverAt: now + delay, orNearestLevel: true } }),
    };
    return compressed(copy, COMPRESSION);
  }
}

/** The properties of the copy, with the topic and the id that the message had at its first try. */
function originOf({ topic, properties, offsetMsgId }: MessageExt): Map<string, string> {
  const copied = new Map([...properties].filter(([name]) => !OF_ONE_DELIVERY.has(name)));
  const origin = copied.get(MessageProperty.RETRY_TOPIC);
  if (isDLQTopic(topic) && origin !== undefined && origin !== topic) {
    copied.set(MessageProperty.DLQ_ORIGIN_TOPIC, origin);
  }
  copied.set(MessageProperty.RETRY_TOPIC, topic);
  copied.set(MessageProperty.ORIGIN_MESSAGE_ID, copied.get(MessageProperty.ORIGIN_MESSAGE_ID) ?? offsetMsgId);
  return copied;
}

function describeDeath(properties: Map<string, string>, message: MessageExt, { reason }: Outcome): void {
  // Set already: the message was a dead letter of another group.
  if (!isDLQTopic(message.topic)) properties.set(MessageProperty.DLQ_ORIGIN_TOPIC, message.topic);
  properties.set(MessageProperty.DLQ_ORIGIN_MESSAGE_ID, message.offsetMsgId);
  properties.delete(DLQ_REASON);
  if (reason !== undefined) properties.set(DLQ_REASON, reason);
}

function levelOf({ kind, level = 0 }: Outcome): number {
  return kind === 'deadLetter' ? DEAD_LETTER_LEVEL : level;
}

/** Where a time cannot be had, such as beyond the broker's limit: the level in Apache's table that is nearest to it. */
function levelNear(delay: number | undefined): number {
  return delay === undefined ? 0 : nearestLevel(parseDelayLevels(DEFAULT_MESSAGE_DELAY_LEVEL), delay) + 1;
}
