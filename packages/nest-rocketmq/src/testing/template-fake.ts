// Takes the place of the template in a unit test: it checks and converts as the real one does, records, and sends nothing.
import { BatchSendFailedError } from '@nest-rocketmq/client';
import type {
  AskOptions,
  BatchFailure,
  OutgoingMessage,
  Producer,
  SendOptions,
  SendResult,
  Transaction,
} from '@nest-rocketmq/client';
import { MessageProperty, NotRunningError, UniqueIdMaker } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { PayloadOf } from '../message/topic.js';
import type { MessageConverter } from '../message/message-converter.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';
import { resolveOptions } from '../options/rocketmq.options.js';
import type { RocketMQConnection } from '../rocketmq-connection.js';
import type { Receiver } from '../pull/receiver.js';
import { Requester } from '../template/requester.js';
import { RocketMQTemplate } from '../template/rocketmq-template.js';
import type { TransactionListeners } from '../transactions/transaction-listeners.js';
import { chosenTopic, expectNothingSent, expectSent } from './expectations.js';
import type { SentOptions, TopicChoice, UntypedChoice } from './expectations.js';
import { checkTimes } from './faults.js';
import type { Fixed } from './matching.js';
import { RecordedMessages, decodeWith } from './recorded-messages.js';
import type { SentMatch, SentMessage } from './recorded-messages.js';

/** `{ provide: RocketMQTemplate, useValue: new RocketMQTemplateFake() }`: no module, no broker. */
export class RocketMQTemplateFake extends RocketMQTemplate {
  readonly #recorder: Recorder;
  readonly #converter: MessageConverter;

  /** @param options as of forRoot, as far as sends depend on them: `messageConverter`, `messageDelayLevel` */
  constructor(options: Pick<RocketMQModuleOptions, 'messageConverter' | 'messageDelayLevel'> = {}) {
    const resolved = resolveOptions({ ...options, embedded: {} }, {}, 'RocketMQTemplateFake');
    const recorder = new Recorder(new RecordedMessages(decodeWith(() => resolved.messageConverter)));
    const connection = { producer: () => Promise.resolve(recorder), clock: undefined };
    const asConnection = connection as unknown as RocketMQConnection;
    const requester = new Requester(asConnection, resolved);
    super(asConnection, NO_LISTENERS as TransactionListeners, requester, NO_RECEIVER as Receiver, resolved);
    this.#recorder = recorder;
    this.#converter = resolved.messageConverter;
  }

  /** What was sent to the topic, or to any, as `RocketMQTesting.sent`. A transaction's once it is committed. */
  sent<D extends TopicChoice>(topic: D): SentMessage<PayloadOf<D>>[];
  sent<P = unknown>(topic?: UntypedChoice): SentMessage<P>[];
  sent<P = unknown>(topic?: TopicChoice): SentMessage<P>[] {
    return this.#recorder.messages.sent(topic === undefined ? undefined : chosenTopic(topic)) as SentMessage<P>[];
  }

  /** As `RocketMQTesting.expectSent`. @throws NotSentError */
  expectSent<D extends TopicChoice>(
    topic: D,
    match?: SentMatch<PayloadOf<D>>,
    options?: Pick<SentOptions, 'times'>,
  ): SentMessage<PayloadOf<D>>;
  expectSent<P = unknown>(
    topic: UntypedChoice,
    match?: SentMatch<Fixed<P>>,
    options?: Pick<SentOptions, 'times'>,
  ): SentMessage<P>;
  expectSent<P = unknown>(
    topic: TopicChoice,
    match?: SentMatch<Fixed<P>>,
    options?: Pick<SentOptions, 'times'>,
  ): SentMessage<P> {
    return expectSent(this.#recorder.messages, topic, match as never, options) as SentMessage<P>;
  }

  /** As `RocketMQTesting.expectNothingSent`. @throws UnexpectedMessageError */
  expectNothingSent(topic?: TopicChoice): void {
    expectNothingSent(this.#recorder.messages, topic);
  }

  /**
   * Has the next sends reject with this error, after those of an earlier call. A request, and each message of a batch, is a send,
   * too: the batch rejects with a BatchSendFailedError, and the other messages of it are sent.
   * @param times how many sends, 1 to 10000. Default 1
   * @throws InvalidOptionError
   */
  failWith(error: Error, times = 1): void {
    this.#recorder.failures.push({ error, left: checkTimes('RocketMQTemplateFake.failWith', times) });
  }

  /** Answers the next `request`. @param payload as a listener would return it */
  replyWith(payload: unknown): void {
    const { body, properties = {} } = this.#converter.encode(payload);
    const reply = { body: Buffer.from(body), properties: new Map(Object.entries(properties)) };
    this.#recorder.replies.push(reply as unknown as MessageExt);
  }

  /** Forgets what was sent, and the failures to come. */
  reset(): void {
    this.#recorder.messages.clear();
    this.#recorder.failures.length = 0;
    this.#recorder.replies.length = 0;
  }
}

/** A template in a unit test runs no local transaction by itself. */
const NO_LISTENERS: Pick<TransactionListeners, 'requireTopic' | 'prepareForChecks' | 'isCommitted'> = {
  requireTopic: () => undefined,
  prepareForChecks: () => undefined,
  isCommitted: () => Promise.resolve(false),
};

/** Nobody sends to it. */
const NO_RECEIVER: Pick<Receiver, 'receive'> = { receive: () => Promise.resolve([]) };

/** What the template calls of a producer. */
type ProducerCalls = Pick<
  Producer,
  'send' | 'sendBatch' | 'sendOneway' | 'sendMessageInTransaction' | 'beginTransaction' | 'recall' | 'request'
>;

class Recorder implements ProducerCalls {
  readonly failures: { readonly error: Error; left: number }[] = [];
  readonly replies: MessageExt[] = [];
  readonly #ids = new UniqueIdMaker();
  #count = 0;

  constructor(readonly messages: RecordedMessages) {}

  async send(message: OutgoingMessage, options: SendOptions = {}): Promise<SendResult> {
    const result = await this.#result(message);
    this.#record(message, result.msgId, options);
    return result;
  }

  async sendBatch(messages: readonly OutgoingMessage[], options: SendOptions = {}): Promise<SendResult[]> {
    const settled = await Promise.allSettled(messages.map((message) => this.send(message, options)));
    const failures = settled.flatMap((each, index): BatchFailure[] =>
      each.status === 'rejected' ? [{ index, message: messages[index]!, error: each.reason }] : [],
    );
    const results = settled.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
    if (failures.length > 0) throw new BatchSendFailedError(results, failures);
    return results as SendResult[];
  }

  async sendOneway(message: OutgoingMessage, options: SendOptions = {}): Promise<void> {
    await this.send(message, options);
  }

  async sendMessageInTransaction(
    message: OutgoingMessage,
    _arg: unknown,
    options: SendOptions = {},
  ): ReturnType<Producer['sendMessageInTransaction']> {
    return { ...(await this.send(message, options)), localTransactionState: 'COMMIT_MESSAGE' };
  }

  async beginTransaction(message: OutgoingMessage, options: SendOptions = {}): Promise<Transaction> {
    const sendResult = await this.#result(message);
    const none = (): Promise<void> => Promise.resolve();
    return {
      transactionId: sendResult.msgId,
      sendResult,
      commit: async () => this.#record(message, sendResult.msgId, options),
      rollback: none,
      leaveUnknown: none,
    };
  }

  async request(message: OutgoingMessage, options: AskOptions = {}): Promise<MessageExt> {
    await this.send(message, options);
    options.onStored?.();
    const reply = this.replies.shift();
    if (reply) return reply;
    throw new NotRunningError('RocketMQTemplateFake', 'without a reply', 'Call replyWith(payload) before the request');
  }

  recall(_topic: string, recallHandle: string): Promise<string> {
    const properties = new Map([[MessageProperty.TIMER_DEL_UNIQKEY, recallHandle]]);
    this.messages.add({
      topic: '',
      properties,
      body: Buffer.alloc(0),
      bornTimestamp: 0,
      storeTimestamp: 0,
      reconsumeTimes: 0,
      due: 0,
    });
    return Promise.resolve(recallHandle);
  }

  async #result({ topic, delay, deliverAt, delayLevel }: OutgoingMessage): Promise<SendResult> {
    const [failure] = this.failures;
    if (failure) {
      if (--failure.left === 0) this.failures.shift();
      throw failure.error;
    }
    const msgId = this.#ids.next(Date.now());
    const isDelayed = delay !== undefined || deliverAt !== undefined || delayLevel !== undefined;
    return {
      sendStatus: 'SEND_OK',
      msgId,
      offsetMsgId: '',
      messageQueue: { topic, brokerName: 'fake', queueId: 0 },
      queueOffset: this.#count++,
      transactionId: msgId,
      ...(isDelayed && { recallHandle: msgId }),
      regionId: 'DefaultRegion',
      traceOn: false,
    };
  }

  #record(message: OutgoingMessage, msgId: string, { shardingKey }: SendOptions): void {
    const properties = new Map(Object.entries(message.properties ?? {}));
    const set = (name: string, value: string | undefined): void => {
      if (value !== undefined) properties.set(name, value);
    };
    set(MessageProperty.UNIQ_KEY, msgId);
    set(MessageProperty.TAGS, message.tags);
    set(MessageProperty.KEYS, message.keys === undefined ? undefined : [message.keys].flat().join(' '));
    set(MessageProperty.SHARDING_KEY, shardingKey);
    set(MessageProperty.DELAY, message.delayLevel === undefined ? undefined : String(message.delayLevel));
    const now = Date.now();
    const due = message.deliverAt === undefined ? now + (message.delay ?? 0) : Number(message.deliverAt);
    const body = Buffer.from(message.body as Uint8Array);
    this.messages.add({
      topic: message.topic,
      properties,
      body,
      bornTimestamp: now,
      storeTimestamp: now,
      reconsumeTimes: 0,
      due,
    });
  }
}
