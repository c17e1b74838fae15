// Starts a broker in memory under a manual clock for tests, and sends it a client's requests in process.
import {
  Connection,
  ManualClock,
  Requests,
  decodeRecords,
  encodeHeartbeat,
  encodeProperties,
  handlerTable,
  javaHashCode,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type { HandlerTable, HeaderOf, MessageExt, Reply, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { startBroker, startBrokerUnderTest } from '../src/broker.js';
import type { Broker } from '../src/broker.js';
import type { BrokerOptions } from '../src/config/broker-options.js';
import type { BrokerTesting } from '../src/testing/broker-testing.js';
import type { OpenMode } from '../src/store/files/file-system.js';
import { MemoryFile, MemoryFileSystem, memoryFileSystem } from '../src/store/files/memory-file-system.js';
import { killed } from './store.js';

export const START = Date.UTC(2026, 0, 1);

export interface Sent {
  tags?: string;
  queueId?: number;
  body?: string;
  properties?: Record<string, string>;
  sysFlag?: number;
  header?: Partial<HeaderOf<typeof Requests.SEND_MESSAGE_V2>>;
}

export interface Pulled {
  queueId?: number;
  offset?: number;
  group?: string;
  /** Default: `*`, in the request itself. `undefined`: what the heartbeat said. */
  expression?: string | undefined;
  suspend?: number;
  header?: Partial<HeaderOf<typeof Requests.PULL_MESSAGE>>;
}

/** A client as the broker sees one: a connection, and the requests that it sends over it. */
export class TestClient {
  constructor(
    readonly connection: Connection,
    private readonly clock: ManualClock,
  ) {}

  send(topic: string, sent: Sent = {}): Promise<Reply<typeof Requests.SEND_MESSAGE_V2>> {
    const { tags, queueId = 0, body = 'hello', properties = {}, sysFlag = 0, header } = sent;
    const pairs = Object.entries({ UNIQ_KEY: 'ABCDEF', ...properties, ...(tags && { TAGS: tags }) });
    const fields = {
      a: 'producers',
      b: topic,
      c: 'TBW102',
      d: 4,
      e: queueId,
      f: sysFlag,
      g: this.clock.now(),
      h: 0,
      i: encodeProperties(pairs),
      ...header,
    };
    return this.connection.request(Requests.SEND_MESSAGE_V2, fields, { body: Buffer.from(body) });
  }

  pull(topic: string, pulled: Pulled = {}): Promise<Reply<typeof Requests.PULL_MESSAGE>> {
    const { queueId = 0, offset = 0, group = 'consumers', suspend = 0, header } = pulled;
    const expression = 'expression' in pulled ? pulled.expression : '*';
    const fields = {
      consumerGroup: group,
      topic,
      queueId,
      queueOffset: offset,
      maxMsgNums: 32,
      sysFlag: (suspend > 0 ? 2 : 0) | (expression === undefined ? 0 : 4),
      commitOffset: 0,
      suspendTimeoutMillis: suspend,
      subVersion: 0,
      ...(expression !== undefined && { subscription: expression }),
      ...header,
    };
    return this.connection.request(Requests.PULL_MESSAGE, fields, { timeout: suspend + 10_000 });
  }

  async messages(topic: string, pulled: Pulled = {}): Promise<MessageExt[]> {
    const { body } = await this.pull(topic, pulled);
    return decodeRecords(body);
  }

  /** @param subscriptions topic to expression: tags, or a condition in SQL92 */
  subscribe(
    clientId: string,
    group: string,
    subscriptions: Record<string, string | { sql: string }>,
    subVersion = 1,
    messageModel = 'CLUSTERING',
  ): Promise<unknown> {
    const subscriptionDataSet: SubscriptionData[] = Object.entries(subscriptions).map(([topic, subString]) => {
      if (typeof subString !== 'string')
        return { topic, subString: subString.sql, tagsSet: [], codeSet: [], subVersion, expressionType: 'SQL92' };
      const tagsSet = subString === '*' ? [] : subString.split('||').map((tag) => tag.trim());
      return { topic, subString, tagsSet, codeSet: tagsSet.map(javaHashCode), subVersion, expressionType: 'TAG' };
    });
    const consumer = {
      groupName: group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel,
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet,
      unitMode: false,
    };
    return this.#heartbeat(clientId, [], [consumer]);
  }

  produce(clientId: string, group: string): Promise<unknown> {
    return this.#heartbeat(clientId, [group], []);
  }

  #heartbeat(
    clientID: string,
    producerGroups: string[],
    consumers: Parameters<typeof encodeHeartbeat>[0]['consumers'],
  ): Promise<unknown> {
    const body = encodeHeartbeat({ clientID, producerGroups, consumers, heartbeatFingerprint: 0, withoutSub: false });
    return this.connection.request(Requests.HEART_BEAT, {}, { body });
  }
}

export class TestBroker {
  private constructor(
    readonly clock: ManualClock,
    public broker: Broker,
    private readonly options: BrokerOptions,
  ) {}

  static async start(options: BrokerOptions = {}, testing?: BrokerTesting): Promise<TestBroker> {
    const clock = new ManualClock(START);
    const fileSystem = memoryFileSystem();
    const all = { clock, logger: silentLogger, fileSystem, store: '/store', ...options };
    return new TestBroker(clock, await startBrokerUnderTest(all, testing), all);
  }

  async client(handlers: HandlerTable = handlerTable()): Promise<TestClient> {
    return new TestClient(await this.#connect(this.broker.brokerAddress, handlers), this.clock);
  }

  nameServer(): Promise<Connection> {
    return this.#connect(this.broker.nameServerAddress, handlerTable());
  }

  /** Stops it, and starts it again on the same files. */
  async restart(changed: BrokerOptions = {}): Promise<void> {
    await this.broker.stop();
    Object.assign(this.options, changed);
    this.broker = await startBroker(this.options);
  }

  /**
   * Starts it again on what a kill leaves of its files.
   * @param files default: as they are now
   */
  async killAndRestart(
    files = killed(this.options.fileSystem as MemoryFileSystem),
    changed: BrokerOptions = {},
  ): Promise<void> {
    await this.broker.stop();
    Object.assign(this.options, changed, { fileSystem: files });
    this.broker = await startBroker(this.options);
  }

  stop(): Promise<void> {
    return this.broker.stop();
  }

  async #connect(address: string, handlers: HandlerTable): Promise<Connection> {
    const stream = await this.broker.dial(address);
    return new Connection(stream, { address, handlers, clock: this.clock, logger: silentLogger });
  }
}

/** Files that remember how they were before each change: what a kill at that point leaves. */
export class KillPoints extends MemoryFileSystem {
  readonly points: MemoryFileSystem[] = [];
  recording = false;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const { writeSync, truncateSync } = file;
    file.writeSync = (...args) => (this.#point(), writeSync.apply(file, args));
    file.truncateSync = (size) => (this.#point(), truncateSync.call(file, size));
    return file;
  }

  override renameSync(from: string, to: string): void {
    this.#point();
    super.renameSync(from, to);
  }

  override removeSync(path: string): void {
    this.#point();
    super.removeSync(path);
  }

  #point(): void {
    if (this.recording) this.points.push(killed(this));
  }
}

/** Resolves when the connection has closed. */
export async function closed(connection: Connection): Promise<void> {
  if (connection.closed) return;
  await new Promise<void>((resolve) => connection.onClose(() => resolve()));
}
