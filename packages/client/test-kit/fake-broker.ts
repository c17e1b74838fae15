// Fakes one broker of the fake cluster: it keeps only what a client needs, and answers otherwise where a test says so.
import {
  Connection,
  MessageProperty,
  RemotingServer,
  ResponseCode,
  decodeFrame,
  decodeHeartbeat,
  decodeLockBatch,
  decodeProperties,
  decodeRecord,
  encodeConsumerList,
  encodeFrame,
  encodeLockOk,
  encodeOffsetMsgId,
  encodeRecord,
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
  TimerHandle,
  Requests,
} from '@nest-rocketmq/remoting/internal';
import type { FakeCluster } from './fake-cluster.js';

type Row<Name extends RequestName> = (typeof Requests)[Name];
type Answering<Name extends RequestName> = Handler<Row<Name>>;
type PullAnswer = Answer<Row<'PULL_MESSAGE'>>;

export interface Received {
  readonly name: string;
  readonly header: Record<string, unknown>;
  readonly body: Buffer;
  readonly extFields: Record<string, string>;
  readonly oneway: boolean;
  readonly serializeType: 'json' | 'binary';
}

export interface StoredMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
  readonly sysFlag: number;
  readonly reconsumeTimes: number;
}

const HOST = Buffer.from([127, 0, 0, 1]);

interface HeldPull {
  /** When it is answered that nothing was found. */
  readonly timer: TimerHandle;
  readonly key: string;
  readonly offset: number;
  readonly answer: (answer: PullAnswer) => void;
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
  minOffset = 0;
  readonly server: RemotingServer;
  readonly #scripts = new Map<string, unknown[]>();
  readonly #queues = new Map<string, Buffer[]>();
  readonly #members = new Map<string, Connection>();
  #held: HeldPull[] = [];
  #physicalOffset = 0;

  constructor(
    readonly cluster: FakeCluster,
    readonly name: string,
    readonly address: string,
  ) {
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
          const all = [...this.#queues.values()].flat();
          const body = all.find((record) => decodeRecord(record).physicalOffset === header.offset);
          return body ? { body } : { code: ResponseCode.SYSTEM_ERROR, remark: 'no such message' };
        }),
        SEARCH_OFFSET_BY_TIMESTAMP: this.#answering('SEARCH_OFFSET_BY_TIMESTAMP', () => ({ header: { offset: 0 } })),
        PULL_MESSAGE: this.#answering('PULL_MESSAGE', ({ header }) => this.#onPull(header)),
        LITE_PULL_MESSAGE: this.#answering('LITE_PULL_MESSAGE', ({ header }) => this.#onPull(header)),
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
    const key = `${topic}@${queueId}`;
    let queue = this.#queues.get(key);
    if (!queue) this.#queues.set(key, (queue = []));
    return queue;
  }

  /** Puts a message into a queue, and wakes the pulls that wait for it. */
  put(
    topic: string,
    queueId: number,
    body: string | Uint8Array,
    some: { properties?: Record<string, string>; reconsumeTimes?: number; sysFlag?: number } = {},
  ): Buffer {
    const queue = this.queue(topic, queueId);
    const properties = Object.entries(some.properties ?? {}).map(([name, value]) => `${name}\u0001${value}\u0002`);
    const record = encodeRecord({
      topic: Buffer.from(topic),
      queueId,
      flag: 0,
      sysFlag: some.sysFlag ?? 0,
      queueOffset: queue.length,
      physicalOffset: this.#physicalOffset,
      bornTimestamp: this.cluster.clock.now(),
      bornHost: { address: HOST, port: 1 },
      storeTimestamp: this.cluster.clock.now(),
      storeHost: { address: HOST, port: 10_911 },
      reconsumeTimes: some.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(body),
      properties: Buffer.from(properties.join('')),
    });
    this.#physicalOffset += record.length;
    queue.push(record);
    this.#wake();
    return record;
  }

  /** Answers all pulls that are held. */
  releasePulls(answer: PullAnswer): void {
    for (const held of this.#held.splice(0)) {
      this.cluster.clock.clearTimeout(held.timer);
      held.answer(answer);
    }
  }

  get heldPulls(): number {
    return this.#held.length;
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

  #onHeartbeat({ body, connection }: IncomingRequest<Row<'HEART_BEAT'>>): Answer<Row<'HEART_BEAT'>> {
    const heartbeat = decodeHeartbeat(body);
    this.heartbeats.push(heartbeat);
    if (heartbeat.consumers.length > 0) this.#members.set(heartbeat.clientID, connection);
    for (const { groupName, messageModel } of heartbeat.consumers) {
      if (messageModel === 'CLUSTERING') this.cluster.topics.set(`%RETRY%${groupName}`, 1);
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
    const properties = decodeProperties(header.i ?? '');
    const message = {
      topic,
      queueId,
      body: Buffer.from(body),
      properties,
      sysFlag: header.f,
      reconsumeTimes: header.j ?? 0,
    };
    this.stored.push(message);
    const msgId = encodeOffsetMsgId(HOST, 10_911, this.#physicalOffset);
    const queueOffset = this.queue(topic, queueId).length;
    this.put(topic, queueId, body, { properties: Object.fromEntries(properties), sysFlag: header.f });
    const transactionId = properties.get(MessageProperty.UNIQ_KEY);
    return { header: { msgId, queueId, queueOffset, ...(transactionId && { transactionId }) } };
  }

  #onQueryOffset(header: HeaderOf<Row<'QUERY_CONSUMER_OFFSET'>>): Answer<Row<'QUERY_CONSUMER_OFFSET'>> {
    const offset = this.offsets.get(`${header.consumerGroup}@${header.topic}@${header.queueId}`);
    return offset === undefined ? { code: ResponseCode.QUERY_NOT_FOUND } : { header: { offset } };
  }

  #onPull(header: HeaderOf<Row<'PULL_MESSAGE'>>): PullAnswer | Promise<PullAnswer> {
    const key = `${header.topic}@${header.queueId}`;
    const found = this.queue(header.topic, header.queueId).slice(
      header.queueOffset,
      header.queueOffset + header.maxMsgNums,
    );
    if (found.length > 0) return foundAnswer(found, header.queueOffset);
    return new Promise((answer) => {
      const timer = this.cluster.clock.setTimeout(() => {
        this.#held = this.#held.filter((held) => held.answer !== answer);
        answer(notFoundAnswer(header.queueOffset));
      }, header.suspendTimeoutMillis);
      this.#held.push({ key, offset: header.queueOffset, answer, timer });
    });
  }

  #wake(): void {
    this.#held = this.#held.filter(({ key, offset, answer, timer }) => {
      const found = this.#queues.get(key)?.slice(offset) ?? [];
      if (found.length === 0) return true;
      this.cluster.clock.clearTimeout(timer);
      answer(foundAnswer(found, offset));
      return false;
    });
  }
}

/** Whatever goes out on this connection says that it comes from a broker of this version. */
function answerAs(connection: Connection, version: number): void {
  const write = Connection.prototype.write.bind(connection);
  connection.write = (frame) => write(encodeFrame({ ...decodeFrame(frame), version }));
}

function notFoundAnswer(offset: number): PullAnswer {
  const header = { suggestWhichBrokerId: 0, nextBeginOffset: offset, minOffset: 0, maxOffset: offset };
  return { code: ResponseCode.PULL_NOT_FOUND, header };
}

function foundAnswer(records: Buffer[], offset: number): PullAnswer {
  const header = {
    suggestWhichBrokerId: 0,
    nextBeginOffset: offset + records.length,
    minOffset: 0,
    maxOffset: offset + records.length,
  };
  return { header, body: Buffer.concat(records) };
}
