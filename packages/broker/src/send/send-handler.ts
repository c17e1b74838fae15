// Answers sends of one message, V1 and V2: the hot path.
import {
  HeaderError,
  RequestRefusedError,
  ResponseCode,
  TIMER_TOPIC,
  decodeFrame,
  encodeRecallHandle,
  groupOfRetryTopic,
  isRetryTopic,
  printable,
  toldToPeer,
} from '@nest-rocketmq/remoting/internal';
import type {
  Clock,
  Connection,
  EventLog,
  RawHandler,
  RemotingCommand,
  TopicConfig,
} from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import { PropertyScan } from '../message/property-scan.js';
import type { QueueLocks } from '../clients/queue-locks.js';
import type { Retry } from '../retry/retry.js';
import { noSuchTopic, notStored, refusalOf } from './send-checks.js';
import type { Refusal, TimerLimits } from './send-checks.js';
import { OwnProperties } from './own-properties.js';
import { SendHeader } from './send-header.js';
import type { SendReplies } from './send-replies.js';
import type { SendReply } from './send-reply-parts.js';
import type { AppendResult, MessageInner } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';

const EMPTY = Buffer.alloc(0);

export interface SendDeps {
  topics: Topics;
  groups: Groups;
  messageWriter: MessageWriter;
  replies: SendReplies;
  retry: Retry;
  locks: QueueLocks;
  stats: BrokerStats;
  clock: Clock;
  log: EventLog;
  config: TimerLimits & {
    brokerPermission: number;
    brokerName: string;
    brokerClusterName: string;
    regionId: string;
    traceOn: boolean;
    rejectTransactionMessage: boolean;
  };
}

export class SendHandler implements RawHandler {
  readonly #header = new SendHeader();
  readonly #scan = new PropertyScan();
  readonly #ownProperties: OwnProperties;
  readonly #answerFields: Record<string, string>;
  /** Reused for each message: the store copies what it takes. */
  readonly #message: MessageInner = newMessage();
  readonly #reply: SendReply = {
    opaque: 0,
    serializeType: 'json',
    queueId: 0,
    queueOffset: 0,
    physicalOffset: 0,
    idIn: EMPTY,
    idStart: 0,
    idEnd: 0,
    recallHandle: undefined,
  };

  constructor(private readonly deps: SendDeps) {
    const { regionId, traceOn, brokerClusterName } = deps.config;
    this.#answerFields = { MSG_REGION: regionId, TRACE_ON: String(traceOn) };
    const own: [string, string][] = [...Object.entries(this.#answerFields), ['CLUSTER', brokerClusterName]];
    this.#ownProperties = new OwnProperties(own, deps.clock);
  }

  binary(bytes: Buffer, start: number, end: number, connection: Connection): void {
    try {
      this.#header.readBinary(bytes, start, end);
      const unsaved = this.#handle(connection);
      if (unsaved) void this.#hold(unsaved, connection, decodeFrame(bytes.subarray(start, end)));
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  json(frame: Buffer, connection: Connection): boolean {
    if (!this.#header.readJson(frame)) return false;
    try {
      const unsaved = this.#handle(connection);
      if (unsaved) void this.#hold(unsaved, connection, decodeFrame(frame));
    } catch (error) {
      this.#failed(connection, error);
    }
    return true;
  }

  command(command: RemotingCommand, connection: Connection): void {
    try {
      this.#header.readCommand(command);
      const unsaved = this.#handle(connection);
      if (unsaved) void this.#hold(unsaved, connection, command);
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  /** Resolves when the send can be tried again; undefined where it is done. */
  #handle(connection: Connection): Promise<void> | undefined {
    const header = this.#header;
    const { topics, config: settings } = this.deps;
    const topic = topics.get(header.topic);
    const refusal = refusalOf(header, topic, settings.brokerPermission, connection);
    if (refusal) return this.#refuse(connection, refusal);
    const config = topic ?? this.#createTopic(header);
    if (!config) return this.#refuse(connection, noSuchTopic(header.topic));
    const unsaved = topics.whenSaved(header.topic);
    return unsaved ?? this.#append(header, config, connection);
  }

  /** Waits for the topic to be saved: a send must not be answered while a crash could still remove its topic. */
  async #hold(unsaved: Promise<void>, connection: Connection, command: RemotingCommand): Promise<void> {
    const failure = await unsaved.then(
      () => undefined,
      (error: unknown) =>
        new RequestRefusedError(ResponseCode.SYSTEM_ERROR, `the topic cannot be saved: ${toldToPeer(error)}`),
    );
    try {
      // Other sends have used the header meanwhile.
      this.#header.readCommand(command);
      if (failure) throw failure;
      const again = this.#handle(connection);
      if (again) void this.#hold(again, connection, command);
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  #createTopic(header: SendHeader): TopicConfig | undefined {
    const { topic, defaultTopic, defaultTopicQueueNums } = header;
    return this.deps.topics.findOrCreate(topic, defaultTopic, defaultTopicQueueNums);
  }

  #append(header: SendHeader, config: TopicConfig, connection: Connection): Promise<void> | undefined {
    const { propertiesIn, propertiesStart, propertiesEnd } = header;
    const scan = this.#scan.scan(propertiesIn, propertiesStart, propertiesEnd);
    const refusal = scan.transaction ? this.#checkKind() : undefined;
    if (refusal) return this.#refuse(connection, refusal);
    const message = this.#message;
    message.topic = header.topic;
    message.queueId = header.queueId < 0 ? Math.floor(Math.random() * config.writeQueueNums) : header.queueId;
    message.flag = header.flag;
    message.sysFlag = header.sysFlag;
    message.bornTimestamp = header.bornTimestamp;
    message.bornHost = connection.remoteHost;
    message.bornPort = connection.remotePort;
    message.reconsumeTimes = header.reconsumeTimes;
    message.body = header.body;
    message.deliverDelayMs = undefined;
    message.properties = this.#ownProperties.add(propertiesIn, propertiesStart, propertiesEnd, scan);
    const reply = this.#reply;
    reply.queueId = message.queueId;
    reply.idIn = message.properties;
    reply.idStart = scan.uniqKeyStart;
    reply.idEnd = scan.uniqKeyEnd;
    if (isRetryTopic(header.topic)) {
      const fault = this.#toRetryOrDeadLetter(header, message, scan);
      if (fault) return this.#refuse(connection, fault);
      const unsaved = this.deps.topics.whenSaved(message.topic);
      if (unsaved) return unsaved;
    }
    const { topic } = message;
    const result = this.deps.messageWriter.send(message, scan);
    if (result.status !== 'PUT_OK') return this.#refuse(connection, notStored(result.status, this.deps.config));
    reply.recallHandle = this.#recallHandle(topic, message);
    this.deps.stats.put(message.topic, message.queueId, 1, result.size, result.storeTimestamp);
    if (!header.oneway) this.#replyLater(header, result, connection);
    return undefined;
  }

  #replyLater(header: SendHeader, result: AppendResult, connection: Connection): void {
    const reply = this.#reply;
    reply.opaque = header.opaque;
    reply.serializeType = header.serializeType;
    reply.queueOffset = result.queueOffset;
    reply.physicalOffset = result.physicalOffset;
    this.deps.replies.add(connection, result.physicalOffset + result.size, reply);
  }

  #checkKind(): Refusal | undefined {
    if (!this.deps.config.rejectTransactionMessage) return undefined;
    return { code: ResponseCode.NO_PERMISSION, remark: 'the broker sending transaction message is forbidden' };
  }

  /** Undefined for a message that cannot be recalled. */
  #recallHandle(topic: string, { topic: storedTopic, tagsCode }: MessageInner): string | undefined {
    if (storedTopic !== TIMER_TOPIC || isRetryTopic(topic)) return undefined;
    const { idIn, idStart, idEnd } = this.#reply;
    const uniqKey = idIn.toString('utf8', idStart, idEnd);
    return encodeRecallHandle({
      topic,
      brokerName: this.deps.config.brokerName,
      timestamp: Math.abs(tagsCode),
      uniqKey,
    });
  }

  /** Handles a retry that a client sends itself when it could not send the message back. */
  #toRetryOrDeadLetter(header: SendHeader, message: MessageInner, scan: PropertyScan): Refusal | undefined {
    const name = groupOfRetryTopic(header.topic);
    const group = this.deps.groups.findOrCreate(name);
    if (!group) {
      const remark = `subscription group not exist, ${printable(name)}`;
      return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
    }
    const most = header.maxReconsumeTimes >= 0 ? header.maxReconsumeTimes : group.retryMaxTimes;
    const again = header.reconsumeTimes <= most && !this.deps.locks.isLockedByAnyone(name);
    if (!again || !this.deps.retry.fitsRetry(message)) this.deps.retry.toDeadLetter(message, name);
    scan.scan(message.properties);
    return undefined;
  }

  #refuse(connection: Connection, refusal: Refusal): undefined {
    if (this.#header.oneway) return undefined;
    connection.answer(this.#header, undefined, { ...refusal, extFields: this.#answerFields });
    return undefined;
  }

  #failed(connection: Connection, error: unknown): void {
    if (error instanceof RequestRefusedError)
      return this.#refuse(connection, { code: error.responseCode, remark: error.message });
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof HeaderError)) this.deps.log.say('error', 'sends failed', `a send failed: ${reason}`);
    this.#refuse(connection, { code: ResponseCode.SYSTEM_ERROR, remark: printable(toldToPeer(error)) });
  }
}

function newMessage(): MessageInner {
  return {
    topic: '',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: EMPTY,
    bornPort: 0,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: EMPTY,
    properties: EMPTY,
    tagsCode: 0,
    deliverDelayMs: undefined,
    storeHost: undefined,
    again: undefined,
  };
}
