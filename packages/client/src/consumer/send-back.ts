// Gives a failed message back, so that the group gets it again later: to the broker that has it, else as a copy in the
// group's retry topic.
import {
  AUTO_CREATE_TOPIC_KEY,
  MessageProperty,
  Requests,
  SysFlag,
  dlqTopic,
  expectSuccess,
  isDLQTopic,
  retryTopic,
  withTransactionType,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { BrokerNotFoundError, describe } from '../errors.js';
import { retryUntilReached } from '../time/backoff.js';
import { RoundRobin } from '../producer/choose-queue.js';
import { compressed } from '../producer/outgoing.js';
import type { PreparedMessage } from '../producer/outgoing.js';
import { Sender } from '../producer/send.js';

const SEND_BACK_TIMEOUT_MS = 5_000;
const SEND_TIMEOUT_MS = 3_000;
/** The first retry's delay level (10 s); each further one has the next. */
const FIRST_RETRY_LEVEL = 3;
const ENDLESS = 0x7fffffff;
/** A producer's defaults: the body was decompressed when it arrived. */
const COMPRESSION = { compressMsgBodyOverHowmuch: 4_096, compressType: 'ZLIB', compressLevel: 5 } as const;
/** Apache's name for a consumer's own producer. */
const INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER';

export class SendBack {
  readonly #context: ClientContext;
  readonly #group: string;
  readonly #maxReconsumeTimes: number;
  readonly #sender: Sender;

  constructor(context: ClientContext, group: string, maxReconsumeTimes: number) {
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

  /**
   * @param delayLevel 0: by the number of deliveries, -1: to the dead-letter queue, else this level
   * @returns false when neither way worked; the message is still ours then
   */
  async giveBack(message: MessageExt, delayLevel: number): Promise<boolean> {
    if (this.#needsCopy(message, delayLevel)) return this.#sendCopy(message, delayLevel);
    try {
      await this.#askBroker(message, delayLevel);
      return true;
    } catch (error) {
      if (!this.#context.outages.met(error)) {
        this.#context.logger.warn(`message ${message.msgId} could not be given back to its broker: ${describe(error)}`);
      }
    }
    return this.#sendCopy(message, delayLevel);
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

  async #sendCopy(message: MessageExt, delayLevel: number): Promise<boolean> {
    try {
      await this.#sender.sendToAny(await this.#copy(message, delayLevel), SEND_TIMEOUT_MS);
      return true;
    } catch (error) {
      this.#context.logger.error(`message ${message.msgId} could not be sent to the retry topic: ${describe(error)}`);
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

  #copy(message: MessageExt, delayLevel: number): PreparedMessage | Promise<PreparedMessage> {
    const properties = new Map(message.properties);
    const reconsumeTimes = message.reconsumeTimes + 1;
    const origin = properties.get(MessageProperty.RETRY_TOPIC);
    if (isDLQTopic(message.topic) && origin !== undefined && origin !== message.topic) {
      properties.set(MessageProperty.DLQ_ORIGIN_TOPIC, origin);
    }
    properties.set(MessageProperty.RETRY_TOPIC, message.topic);
    properties.set(
      MessageProperty.ORIGIN_MESSAGE_ID,
      properties.get(MessageProperty.ORIGIN_MESSAGE_ID) ?? message.offsetMsgId,
    );
    const level = delayLevel > 0 ? delayLevel : FIRST_RETRY_LEVEL + message.reconsumeTimes;
    properties.set(MessageProperty.DELAY, String(level));
    for (const name of [MessageProperty.TRAN_MSG, MessageProperty.MIN_OFFSET, MessageProperty.MAX_OFFSET]) {
      properties.delete(name);
    }
    const copy = {
      topic: retryTopic(this.#group),
      body: message.body,
      properties,
      flag: message.flag,
      sysFlag: withTransactionType(message.sysFlag, SysFlag.TRANSACTION_NOT_TYPE) & ~HOST_FLAGS,
      bornTimestamp: this.#context.clock.now(),
      msgId: message.msgId,
      batch: false,
      reconsumeTimes,
      // Beyond its own dead letters there is nothing: such a message comes again, ever later.
      maxReconsumeTimes: message.topic === dlqTopic(this.#group) ? ENDLESS : this.#maxReconsumeTimes,
    };
    return compressed(copy, COMPRESSION);
  }
}

/** They describe the hosts of the old record, not of the one to come. */
const HOST_FLAGS = SysFlag.BORNHOST_V6 | SysFlag.STOREHOST_V6;
