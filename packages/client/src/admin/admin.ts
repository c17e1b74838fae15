// Administers topics, reads the offsets of queues, and looks messages up.
import {
  MASTER_ID,
  MessageProperty,
  Requests,
  ResponseCode,
  decodeClusterInfo,
  decodeOffsetMsgId,
  decodeRecord,
  decodeRecords,
  expectSuccess,
  formatAddress,
  sleep,
} from '@nest-rocketmq/remoting/internal';
import type {
  ClusterInfo,
  HeaderOf,
  MessageExt,
  MessageQueue,
  Reply,
  TopicRouteData,
} from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { BrokerNotFoundError, NoBrokerError, TopicNotFoundError } from '../errors.js';
import { answeredField } from '../routes/answered-field.js';
import type { NameServers } from '../routes/name-servers.js';
import { DeadLetters } from '../dead-letters/dead-letters.js';
import { checkTopicToCreate, createTopicOn, readTopicOn } from './topic-config.js';
import type { BrokerTopic, CreateTopicOptions } from './topic-config.js';
import { resetOffsetByTime } from './reset-offsets.js';
import type { ResetOffset, ResetOffsetOptions } from './reset-offsets.js';

/** The messages to look for, for `Admin.queryMessage`. */
export interface QueryMessageOptions {
  topic: string;
  /** One of the message's keys. */
  key: string;
  /** Most messages from each broker. Default 32. */
  maxNum?: number;
  /** ms since the epoch; default: 0 */
  begin?: number;
  /** ms since the epoch; default: now */
  end?: number;
}

type OffsetRow =
  | typeof Requests.GET_MAX_OFFSET
  | typeof Requests.GET_MIN_OFFSET
  | typeof Requests.SEARCH_OFFSET_BY_TIMESTAMP;

const ADMIN_TIMEOUT_MS = 6_000;
const REGISTRATION_POLL_MS = 100;

/**
 * Administration of a cluster: `client.admin`. Every call rejects with ResponseError when a broker refuses it, and with
 * RequestTimeoutError or ConnectError when it cannot be reached within 6 s, or within `mqClientApiTimeout` where that is longer.
 */
export class Admin {
  readonly #context: ClientContext;
  readonly #nameServers: NameServers;
  readonly #timeout: number;

  /** @internal */
  constructor(context: ClientContext, nameServers: NameServers) {
    this.#context = context;
    this.#nameServers = nameServers;
    this.#timeout = Math.max(ADMIN_TIMEOUT_MS, context.options.mqClientApiTimeout);
  }

  /**
   * Creates the topic on every master, or changes its number of queues. Resolves when the name servers know it, at the
   * latest after as long as a call may take.
   * @throws InvalidNameError, InvalidOptionError, NoBrokerError, BrokerNotFoundError when one of `brokers` has no master
   */
  async createTopic(options: CreateTopicOptions): Promise<void> {
    const topic = checkTopicToCreate(options);
    const { brokerAddrTable } = await this.clusterInfo();
    const masters = (options.brokers ?? [...brokerAddrTable.keys()]).flatMap((name) => {
      const address = brokerAddrTable.get(name)?.brokerAddrs.get(MASTER_ID);
      if (address === undefined && options.brokers) throw new BrokerNotFoundError(name, options.topic);
      return address ?? [];
    });
    if (masters.length === 0) throw new NoBrokerError(this.#nameServers.addresses);
    await Promise.all(masters.map((address) => createTopicOn(this.#context, address, topic, this.#timeout)));
    await this.#registered(options.topic, masters.length);
  }

  /** Waits for the name server: brokers register a new topic shortly after they have answered. */
  async #registered(topic: string, brokers: number): Promise<void> {
    for (let waited = 0; waited < this.#timeout; waited += REGISTRATION_POLL_MS) {
      const route = await this.#context.routes.resolve(topic);
      if (route && !route.assumed && route.data.queueDatas.length >= brokers) return;
      await sleep(this.#context.clock, REGISTRATION_POLL_MS);
    }
    this.#context.logger.warn(`topic ${topic} is created, but not all its brokers have told the name server yet`);
  }

  /** Undefined when the topic does not exist. @throws NameServerUnreachableError */
  async topicRoute(topic: string): Promise<TopicRouteData | undefined> {
    const route = await this.#context.routes.resolve(topic);
    return route && !route.assumed ? route.data : undefined;
  }

  /** How a topic is set up on each of its masters; brokers before 5.0, which do not say, are left out. */
  async topicConfigs(topic: string): Promise<BrokerTopic[]> {
    const route = await this.#context.routes.resolve(topic);
    const brokerDatas = route && !route.assumed ? route.data.brokerDatas : [];
    const configs = brokerDatas.map(async ({ brokerName, brokerAddrs }) => {
      const address = brokerAddrs.get(MASTER_ID);
      return address === undefined ? undefined : readTopicOn(this.#context, brokerName, address, topic, this.#timeout);
    });
    return (await Promise.all(configs)).filter((config) => config !== undefined);
  }

  /** The brokers and clusters that the name servers know. @throws NameServerUnreachableError */
  async clusterInfo(): Promise<ClusterInfo> {
    return this.#nameServers.request(Requests.GET_BROKER_CLUSTER_INFO, {}, (reply) => {
      expectSuccess(reply, this.#nameServers.addresses.join(';'));
      return decodeClusterInfo(reply.body);
    });
  }

  /** The queues to consume from. @throws TopicNotFoundError */
  async fetchSubscribeMessageQueues(topic: string): Promise<MessageQueue[]> {
    return this.#readableQueues(topic);
  }

  /** The offset that the queue's next message will have. @throws BrokerNotFoundError */
  maxOffset(queue: MessageQueue): Promise<number> {
    return this.#offset(queue, Requests.GET_MAX_OFFSET, {});
  }

  /** The offset of the oldest message that the queue still has. @throws BrokerNotFoundError */
  minOffset(queue: MessageQueue): Promise<number> {
    return this.#offset(queue, Requests.GET_MIN_OFFSET, {});
  }

  /** The first offset stored at or after `timestamp` (ms since the epoch). */
  searchOffset(queue: MessageQueue, timestamp: number): Promise<number> {
    return this.#offset(queue, Requests.SEARCH_OFFSET_BY_TIMESTAMP, { timestamp, boundaryType: 'LOWER' });
  }

  /** When the oldest message that the queue still has was stored, ms since the epoch; undefined for an empty queue. */
  async earliestMsgStoreTime(queue: MessageQueue): Promise<number | undefined> {
    const address = await this.#addressOf(queue);
    const { topic, queueId } = queue;
    const reply = await this.#context.brokers.request(
      address,
      Requests.GET_EARLIEST_MSG_STORETIME,
      { topic, queueId },
      { timeout: this.#timeout },
    );
    expectSuccess(reply, address);
    const { timestamp = -1 } = reply.header;
    return timestamp < 0 ? undefined : timestamp;
  }

  /** The group's stored offset of this queue; undefined when it has none. */
  async consumerOffset(group: string, queue: MessageQueue): Promise<number | undefined> {
    const address = await this.#addressOf(queue);
    const reply = await this.#context.brokers.request(
      address,
      Requests.QUERY_CONSUMER_OFFSET,
      { consumerGroup: group, topic: queue.topic, queueId: queue.queueId, setZeroIfNotFound: false },
      { timeout: this.#timeout },
    );
    if (reply.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
    return answeredField(reply, 'offset', address);
  }

  /**
   * Sets a group's offsets in all queues of a topic to a time, as mqadmin's resetOffsetByTime does: 0 is the beginning. Consumers
   * that run are told, and go on there; what their listeners are at counts for nothing.
   * @returns where the group goes on
   * @throws TopicNotFoundError, InvalidOptionError, InvalidNameError, BrokerNotFoundError
   */
  async resetOffsetByTime(options: ResetOffsetOptions): Promise<ResetOffset[]> {
    return resetOffsetByTime(
      {
        context: this.#context,
        timeout: this.#timeout,
        queues: await this.#readableQueues(options.topic),
        addressOf: (queue) => this.#addressOf(queue),
        searchOffset: (queue, timestamp) => this.searchOffset(queue, timestamp),
        maxOffset: (queue) => this.maxOffset(queue),
        consumerOffset: (group, queue) => this.consumerOffset(group, queue),
      },
      options,
    );
  }

  /** The messages that a group has given up. Nothing is asked before they are listed. @throws InvalidNameError */
  deadLetters(group: string): DeadLetters {
    return new DeadLetters(this.#context, this, group);
  }

  /** Reads a message by its offsetMsgId, from the broker whose address that id contains. @throws DecodeError */
  async viewMessage(topic: string, offsetMsgId: string): Promise<MessageExt> {
    const { host, port, physicalOffset } = decodeOffsetMsgId(offsetMsgId);
    const address = formatAddress(host, port);
    const reply = await this.#context.brokers.request(
      address,
      Requests.VIEW_MESSAGE_BY_ID,
      { topic, offset: physicalOffset },
      { timeout: this.#timeout },
    );
    expectSuccess(reply, address);
    return decodeRecord(Buffer.from(reply.body));
  }

  /**
   * The messages with this key, or with this msgId, from all brokers of the topic; of a broker whose master is away, from a
   * replica. One that cannot be asked is left out, unless nothing is found elsewhere.
   * @throws TopicNotFoundError
   */
  async queryMessage(options: QueryMessageOptions): Promise<MessageExt[]> {
    const { topic, key, maxNum = 32, begin = 0, end = this.#context.clock.now() } = options;
    const header = { topic, key, maxNum, beginTimestamp: begin, endTimestamp: end, _UNIQUE_KEY_QUERY: false };
    const found = await this.#query(header);
    return found.filter(({ properties }) => {
      const keys = (properties.get(MessageProperty.KEYS) ?? '').split(' ');
      return keys.includes(key) || properties.get(MessageProperty.UNIQ_KEY) === key;
    });
  }

  /**
   * The message with this id, which its producer made (`SendResult.msgId`); undefined when no broker of the topic has it.
   * @throws TopicNotFoundError
   */
  async queryMessageByUniqKey(topic: string, msgId: string): Promise<MessageExt | undefined> {
    const [beginTimestamp, endTimestamp] = [0, Number.MAX_SAFE_INTEGER];
    const header = { topic, key: msgId, maxNum: 32, beginTimestamp, endTimestamp, _UNIQUE_KEY_QUERY: true };
    const found = (await this.#query(header)).filter(
      (message) => message.properties.get(MessageProperty.UNIQ_KEY) === msgId,
    );
    // A message that was sent again has the same id: the first one counts.
    return found.toSorted((a, b) => a.storeTimestamp - b.storeTimestamp)[0];
  }

  async #query(header: HeaderOf<typeof Requests.QUERY_MESSAGE>): Promise<MessageExt[]> {
    const queues = await this.#readableQueues(header.topic);
    const perBroker = new Map(queues.map((queue) => [queue.brokerName, queue]));
    const asked = await Promise.allSettled(
      [...perBroker.values()].map(async (queue) => {
        const address = this.#context.routes.anyBrokerAddress(queue.brokerName);
        if (!address) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
        const reply = await this.#context.brokers.request(address, Requests.QUERY_MESSAGE, header, {
          timeout: this.#timeout,
        });
        if (reply.code === ResponseCode.QUERY_NOT_FOUND) return [];
        expectSuccess(reply, address);
        return decodeRecords(Buffer.from(reply.body));
      }),
    );
    const found = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = asked.find((answer) => answer.status === 'rejected');
    if (found.length === 0 && failed) throw failed.reason;
    // Brokers look up the hash of topic and key, and may return messages of other topics and with other keys.
    return found.filter((message) => message.topic === header.topic);
  }

  /** By the names that brokers know, also where `fetchSubscribeMessageQueues` shows others. @throws TopicNotFoundError */
  async #readableQueues(topic: string): Promise<MessageQueue[]> {
    const route = await this.#context.routes.resolve(topic);
    if (!route || route.assumed) throw new TopicNotFoundError(topic, this.#nameServers.addresses, 'has no route');
    return [...route.readable];
  }

  async #offset<Row extends OffsetRow>(
    { topic, queueId, brokerName }: MessageQueue,
    row: Row,
    more: Omit<HeaderOf<Row>, 'topic' | 'queueId'>,
  ): Promise<number> {
    const address = await this.#addressOf({ topic, queueId, brokerName });
    const header = { topic, queueId, ...more } as HeaderOf<Row>;
    const reply = await this.#context.brokers.request<Row>(address, row, header, { timeout: this.#timeout });
    return answeredField(reply as Reply<OffsetRow>, 'offset', address);
  }

  /** The master, as with Java's clients: what a replica says may be old. A known route without it may be old too. */
  async #addressOf(queue: MessageQueue): Promise<string> {
    const { routes } = this.#context;
    if (!routes.brokerAddress(queue.brokerName)) await routes.resolve(queue.topic);
    const address = routes.brokerAddress(queue.brokerName);
    if (!address) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
    return address;
  }
}
