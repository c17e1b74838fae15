// Fakes one broker of the fake cluster: it keeps only what a client needs, and answers otherwise where a test says so.
import {
  Connection,
  MessageProperty,
  RemotingServer,
  ResponseCode,
  decodeFrame,
  decodeHeartbeat,
  decodeLockBatch,
  encodeConsumerList,
  encodeFrame,
  encodeLockOk,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type {
  Answer,
  Handler,
  HeaderOf,
  HeartbeatData,
  IncomingRequest,
  RequestName,
  Requests,
} from '@nest-rocketmq/remoting/internal';
import type { FakeCluster } from './fake-cluster.js';
import { FakeQueues } from './fake-queues.js';
import type { MessageParts, PullAnswer } from './fake-queues.js';
import { sentMessages } from './sent-messages.js';
import type { StoredMessage } from './sent-messages.js';

type Row<Name extends RequestName> = (typeof Requests)[Name];
type Answering<Name extends RequestName> = Handler<Row<Name>>;

export interface Received {
  readonly name: string;
  readonly header: Record<string, unknown>;
  readonly body: Buffer;
  readonly extFields: Record<string, string>;
  readonly oneway: boolean;
  readonly serializeType: 'json' | 'binary';
}

export class FakeBroker {
  readonly received: Received[] = [];
  readonly stored: StoredMessage[] = [];
  /** 'group@topic@queueId' -> offset */
  readonly offsets = new Map<string, number>();
  readonly heartbeats: HeartbeatData[] = [];
  /** Consumers of other clients. */
  readonly otherConsumers: string[] = [];
  /** Queues whose lock is not given to this client, 'topic@queueId'. */
  readonly lockedByOthers = new Set<string>();
  /** Of MQVersion, in its answers. Default: the one that we report ourselves. */
  version: number | undefined;
  unregistered = false;
  /** Whether name servers know the retry topic of a group as soon as the broker has heard of it. */
  makesRetryTopics = true;
  minOffset = 0;
  readonly server: RemotingServer;
  private readonly queues: FakeQueues;
  readonly #scripts = new Map<string, unknown[]>();
  readonly #members = new Map<string, Connection>();

  constructor(
    readonly cluster: FakeCluster,
    readonly name: string,
    readonly address: string,
  ) {
    this.queues = new FakeQueues(cluster.clock);
    this.server = new RemotingServer({
      handlers: handlerTable({
        HEART_BEAT: this.#answering('HEART_BEAT', (request) => this.#onHeartbeat(request)),
        UNREGISTER_CLIENT: this.#answering('UNREGISTER_CLIENT', () => ({})),
        SEND_MESSAGE_V2: this.#answering('SEND_MESSAGE_V2', (request) => this.#onSend(request)),
        SEND_BATCH_MESSAGE: this.#answering('SEND_BATCH_MESSAGE', (request) => this.#onSend(request)),
        SEND_REPLY_MESSAGE_V2: this.#answering('SEND_REPLY_MESSAGE_V2', (request) => this.#onSend(request)),
        END_TRANSACTION: this.#answering('END_TRANSACTION', () => undefined),
        GET_CONSUMER_LIST_BY_GROUP: this.#answering('GET_CONSUMER_LIST_BY_GROUP', () => ({
          body: encodeConsumerList([...this.#members.keys(), ...this.otherConsumers]),
        })),
        GET_CONSUMER_CONNECTION_LIST: this.#answering('GET_CONSUMER_CONNECTION_LIST', () => ({
          code: ResponseCode.SYSTEM_ERROR,
        })),
        QUERY_CONSUMER_OFFSET: this.#answering('QUERY_CONSUMER_OFFSET', ({ header }) => this.#onQueryOffset(header)),
        UPDATE_CONSUMER_OFFSET: this.#answering('UPDATE_CONSUMER_OFFSET', ({ header }) => {
          const { consumerGroup, topic, queueId, commitOffset } = header;
          this.offsets.set(`${consumerGroup}@${topic}@${queueId}`, commitOffset);
          return {};
        }),
        GET_MAX_OFFSET: this.#answering('GET_MAX_OFFSET', ({ header }) => ({
          header: { offset: this.queue(header.topic, header.queueId).length },
        })),
        GET_MIN_OFFSET: this.#answering('GET_MIN_OFFSET', () => ({ header: { offset: this.minOffset } })),
        VIEW_MESSAGE_BY_ID: this.#answering('VIEW_MESSAGE_BY_ID', ({ header }) => {
          const body = this.queues.recordAt(header.offset);
          return body ? { body } : { code: ResponseCode.SYSTEM_ERROR, remark: 'no such message' };
        }),
        QUERY_MESSAGE: this.#answering('QUERY_MESSAGE', ({ header }) => this.#onQuery(header)),
        GET_EARLIEST_MSG_STORETIME: this.#answering('GET_EARLIEST_MSG_STORETIME', ({ header }) => ({
          header: { timestamp: this.queues.firstTimestamp(header.topic, header.queueId) },
        })),
        SEARCH_OFFSET_BY_TIMESTAMP: this.#answering('SEARCH_OFFSET_BY_TIMESTAMP', () => ({ header: { offset: 0 } })),
        PULL_MESSAGE: this.#answering('PULL_MESSAGE', ({ header }) => this.queues.pull(header)),
        LITE_PULL_MESSAGE: this.#answering('LITE_PULL_MESSAGE', ({ header }) => this.queues.pull(header)),
        INVOKE_BROKER_TO_RESET_OFFSET: this.#answering('INVOKE_BROKER_TO_RESET_OFFSET', () => ({
          code: ResponseCode.CONSUMER_NOT_ONLINE,
        })),
        CONSUMER_SEND_MSG_BACK: this.#answering('CONSUMER_SEND_MSG_BACK', () => ({})),
        LOCK_BATCH_MQ: this.#answering('LOCK_BATCH_MQ', ({ body }) => {
          const { mqSet } = decodeLockBatch(body);
          const free = mqSet.filter(({ topic, queueId }) => !this.lockedByOthers.has(`${topic}@${queueId}`));
          return { body: encodeLockOk(free) };
        }),
        UNLOCK_BATCH_MQ: this.#answering('UNLOCK_BATCH_MQ', () => ({})),
        UPDATE_AND_CREATE_TOPIC: this.#answering('UPDATE_AND_CREATE_TOPIC', ({ header }) => {
          this.cluster.topics.set(header.topic, header.writeQueueNums);
          return {};
        }),
        GET_TOPIC_CONFIG: this.#answering('GET_TOPIC_CONFIG', () => ({ code: ResponseCode.TOPIC_NOT_EXIST })),
        GET_BROKER_CONFIG: this.#answering('GET_BROKER_CONFIG', () => ({ code: ResponseCode.NO_PERMISSION })),
        RECALL_MESSAGE: this.#answering('RECALL_MESSAGE', () => ({ header: { msgId: 'recalled' } })),
        CHECK_CLIENT_CONFIG: this.#answering('CHECK_CLIENT_CONFIG', () => ({})),
      }),
      clock: cluster.clock,
      logger: silentLogger,
    });
    this.server.onConnectionClosed((connection) => {
      for (const [id, member] of this.#members) if (member === connection) this.#members.delete(id);
    });
  }

  /** The next request of this name is answered so; undefined: never. */
  next<Name extends RequestName>(name: Name, script: Answering<Name>): void {
    const scripts = this.#scripts.get(name) ?? [];
    scripts.push(script);
    this.#scripts.set(name, scripts);
  }

  requests(name: RequestName): Received[] {
    return this.received.filter((request) => request.name === name);
  }

  /** What the broker asks of the client that this connection belongs to. */
  get connection(): Connection {
    return [...this.server.connections][0]!;
  }

  queue(topic: string, queueId: number): Buffer[] {
    return this.queues.queue(topic, queueId);
  }

  /** Puts a message into a queue, and wakes the pulls that wait for it. */
  put(topic: string, queueId: number, body: string | Uint8Array, some: MessageParts = {}): Buffer {
    return this.queues.put(topic, queueId, body, some);
  }

  /** Answers all pulls that are held. */
  releasePulls(answer: PullAnswer): void {
    this.queues.releasePulls(answer);
  }

  get heldPulls(): number {
    return this.queues.heldPulls;
  }

  #answering<Name extends RequestName>(name: Name, usual: Answering<Name>): Answering<Name> {
    return (request) => {
      if (this.version !== undefined) answerAs(request.connection, this.version);
      const { header, body, extFields, oneway, serializeType } = request;
      this.received.push({
        name,
        header: { ...header },
        body: Buffer.from(body),
        extFields: { ...extFields },
        oneway,
        serializeType,
      });
      const script = this.#scripts.get(name)?.shift() as Answering<Name> | undefined;
      return (script ?? usual)(request);
    };
  }

  /** As brokers do whose index has nothing but hashes: all messages, whatever the topic and key. */
  #onQuery({ maxNum }: HeaderOf<Row<'QUERY_MESSAGE'>>): Answer<Row<'QUERY_MESSAGE'>> {
    const body = Buffer.concat(this.queues.records.slice(0, maxNum));
    if (body.length === 0) return { code: ResponseCode.QUERY_NOT_FOUND };
    return { header: { indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 }, body };
  }

  #onHeartbeat({ body, connection }: IncomingRequest<Row<'HEART_BEAT'>>): Answer<Row<'HEART_BEAT'>> {
    const heartbeat = decodeHeartbeat(body);
    this.heartbeats.push(heartbeat);
    if (heartbeat.consumers.length > 0) this.#members.set(heartbeat.clientID, connection);
    for (const { groupName, messageModel } of heartbeat.consumers) {
      if (this.makesRetryTopics && messageModel === 'CLUSTERING') this.cluster.topics.set(`%RETRY%${groupName}`, 1);
    }
    return {};
  }

  #onSend({ header, body }: IncomingRequest<Row<'SEND_MESSAGE_V2'>>): Answer<Row<'SEND_MESSAGE_V2'>> {
    const { b: topic, d: queues, e: queueId } = header;
    if (!this.cluster.topics.has(topic)) {
      if (!this.cluster.topics.has(header.c))
        return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist` };
      this.cluster.topics.set(topic, queues);
    }
    const queueOffset = this.queue(topic, queueId).length;
    const messages = sentMessages(header, Buffer.from(body));
    const msgIds = messages.map((message) => {
      this.stored.push(message);
      const msgId = this.queues.nextMsgId;
      const properties = Object.fromEntries(message.properties);
      this.put(topic, queueId, message.body, { properties, sysFlag: header.f });
      return msgId;
    });
    const transactionId = messages[0]!.properties.get(MessageProperty.UNIQ_KEY);
    return { header: { msgId: msgIds.join(','), queueId, queueOffset, ...(transactionId && { transactionId }) } };
  }

  #onQueryOffset(header: HeaderOf<Row<'QUERY_CONSUMER_OFFSET'>>): Answer<Row<'QUERY_CONSUMER_OFFSET'>> {
    const offset = this.offsets.get(`${header.consumerGroup}@${header.topic}@${header.queueId}`);
    return offset === undefined ? { code: ResponseCode.QUERY_NOT_FOUND } : { header: { offset } };
  }
}

/** Whatever goes out on this connection says that it comes from a broker of this version. */
function answerAs(connection: Connection, version: number): void {
  const write = Connection.prototype.write.bind(connection);
  connection.write = (frame) => write(encodeFrame({ ...decodeFrame(frame), version }));
}
