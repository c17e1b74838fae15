import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ResponseCode,
  Requests,
  decodeLockOk,
  decodeRecords,
  encodeBatch,
  encodeHeartbeat,
  encodeLockBatch,
  encodeProperties,
  objectOf,
  parseJson,
  serverDefaults,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type { ConsumerData, HeaderOf, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../test-kit/broker.js';
import { optionEntries, optionRows } from './config/option-rows.js';
import { MemoryFileSystem } from './store/files/memory-file-system.js';

let running: TestBroker | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const INVALID = ResponseCode.INVALID_PARAMETER;

const topic = (more: Partial<HeaderOf<typeof Requests.UPDATE_AND_CREATE_TOPIC>> = {}) => ({
  topic: 'orders',
  defaultTopic: 'TBW102',
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
  ...more,
});

const consumer = (groupName: string, subscriptionDataSet: SubscriptionData[] = []): ConsumerData => ({
  groupName,
  consumeType: 'CONSUME_PASSIVELY',
  messageModel: 'CLUSTERING',
  consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
  subscriptionDataSet,
  unitMode: false,
});

const subscription = (name: string, more: Partial<SubscriptionData> = {}): SubscriptionData => ({
  topic: name,
  subString: '*',
  tagsSet: [],
  codeSet: [],
  subVersion: 1,
  expressionType: 'TAG',
  ...more,
});

const heartbeat = (producerGroups: string[], consumers: ConsumerData[], clientID = 'me') => ({
  body: encodeHeartbeat({ clientID, producerGroups, consumers, heartbeatFingerprint: 0, withoutSub: false }),
});

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** A store that holds these files of configuration. */
function configured(files: Record<string, string>): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectorySync('/store/config');
  for (const [name, text] of Object.entries(files)) {
    const file = fileSystem.openSync(`/store/config/${name}`, 'create');
    const bytes = Buffer.from(text);
    file.writeSync(bytes, 0, bytes.length, 0);
  }
  return fileSystem;
}

describe('a number that sizes something', () => {
  it.each([0, -1, 1_025, 1_000_000_000])(
    'of queues, %i, is refused with the numbers that are allowed',
    async (queues) => {
      running = await TestBroker.start();
      const { connection } = await running.client();
      for (const name of ['readQueueNums', 'writeQueueNums']) {
        const { code, remark } = await connection.request(Requests.UPDATE_AND_CREATE_TOPIC, topic({ [name]: queues }));
        expect([code, remark]).toEqual([INVALID, `${name} ${queues} is illegal, allowed is an integer from 1 to 1024`]);
      }
    },
  );

  const bodies: [string, string][] = ['1000000000', '1025', '-1', '1.5', '1e309', '9223372036854775808', '"1e9"'].map(
    (given) => [given, `{"groupName":"g","retryQueueNums":${given}}`],
  );
  it.each(bodies)('of retry queues, %s, is refused, and the group is not made', async (_given, body) => {
    running = await TestBroker.start();
    const client = await running.client();
    const { code, remark } = await client.connection.request(
      Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      {},
      { body: Buffer.from(body) },
    );
    // What is no number at all is told so as Apache tells of what it cannot parse.
    expect([INVALID, ResponseCode.SYSTEM_ERROR]).toContain(code);
    expect(remark).toMatch(/^retryQueueNums.* allowed is (an integer from 0 to 1024|a whole number)$/);
    await client.subscribe('me', 'g', { orders: '*' });
    const { body: config } = await client.connection.request(Requests.GET_TOPIC_CONFIG, { topic: '%RETRY%g' });
    expect(objectOf(parseJson(config))).toMatchObject({ readQueueNums: 1 });
  });

  it.each(['retryMaxTimes', 'brokerId', 'whichBrokerWhenConsumeSlowly', 'groupSysFlag', 'consumeTimeoutMinute'])(
    'called %s in the settings of a group is an integer of 32 bits',
    async (name) => {
      running = await TestBroker.start();
      const { connection } = await running.client();
      for (const given of ['1e309', '4294967296', '0.5']) {
        const body = Buffer.from(`{"groupName":"g","${name}":${given}}`);
        const { code } = await connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body });
        expect([INVALID, ResponseCode.SYSTEM_ERROR]).toContain(code);
      }
    },
  );

  it('in the files of the store is cut to what may be, and named', async () => {
    const warnings: string[] = [];
    const fileSystem = configured({
      'subscriptionGroup.json':
        '{"dataVersion":{},"subscriptionGroupTable":{"g":{"groupName":"g","retryQueueNums":1000000000}}}',
      'topics.json':
        '{"dataVersion":{},"topicConfigTable":{"huge":{"topicName":"huge","readQueueNums":1000000000,"writeQueueNums":2000000000},' +
        '"big":{"topicName":"big","readQueueNums":65536,"writeQueueNums":65536},' +
        '"wide":{"topicName":"wide","readQueueNums":2000,"writeQueueNums":2000}}}',
      'consumerOffset.json': '{"offsetTable":{"huge@g":{"0":1e309,"1":-5,"2":0,"x":1}}}',
    });
    const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
    running = await TestBroker.start({ fileSystem, logger });
    const client = await running.client();
    await client.subscribe('me', 'g', { huge: '*' });
    const stats = await client.connection.request(Requests.GET_TOPIC_STATS_INFO, { topic: '%RETRY%g' });
    expect(stats.code).toBe(ResponseCode.SUCCESS);
    const config = async (name: string) =>
      objectOf(parseJson((await client.connection.request(Requests.GET_TOPIC_CONFIG, { topic: name })).body));
    expect(await config('big')).toMatchObject({ readQueueNums: 65_535, writeQueueNums: 65_535 });
    // More than may be made now, but messages may stand in each of them.
    expect(await config('wide')).toMatchObject({ readQueueNums: 2_000, writeQueueNums: 2_000 });
    const offset = async (queueId: number): Promise<number | undefined> => {
      const place = { consumerGroup: 'g', topic: 'huge', queueId, setZeroIfNotFound: false };
      return (await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, place)).header.offset;
    };
    expect([await offset(0), await offset(1), await offset(2)]).toEqual([undefined, undefined, 0]);
    expect(warnings.filter((line) => line.startsWith('topics.json gives topic'))).toHaveLength(2);
    expect(warnings).toContainEqual(
      expect.stringMatching(/^topics of topics\.json with invalid values are ignored: huge$/),
    );
    expect(
      warnings.filter((line) => line.startsWith('subscriptionGroup.json, group g: retryQueueNums 1000000000')),
    ).toHaveLength(1);
  });

  it.each([0, -1, 2 ** 31 - 1])('of messages to pull, %i, is bounded', async (maxMsgNums) => {
    running = await TestBroker.start();
    const client = await running.client();
    for (let i = 0; i < 40; i++) await client.send('orders');
    const { body } = await client.pull('orders', { header: { maxMsgNums } });
    expect(decodeRecords(body).length).toBe(maxMsgNums > 0 ? 32 : 1);
  });

  it.each([0, -1, 2 ** 31 - 1])('T168: of messages to find, %i, is bounded', async (maxNum) => {
    running = await TestBroker.start();
    const client = await running.client();
    for (let i = 0; i < 70; i++) await client.send('orders', { properties: { KEYS: 'k', UNIQ_KEY: `u${i}` } });
    const query = { topic: 'orders', key: 'k', maxNum, beginTimestamp: 0, endTimestamp: running.clock.now() + 1 };
    const { body } = await client.connection.request(Requests.QUERY_MESSAGE, query);
    expect(decodeRecords(body).length).toBe(maxNum > 0 ? 64 : 1);
  });
});

describe('topics and groups', () => {
  it('are made by messages up to maxTopics, and the message beyond is told which limit that is', async () => {
    running = await TestBroker.start({ maxTopics: 3 });
    const client = await running.client();
    const codes: number[] = [];
    for (const name of names('t', 5)) codes.push((await client.send(name)).code);
    expect(codes).toEqual([0, 0, 0, INVALID, INVALID]);
    expect((await client.send('t9')).remark).toBe(
      'more topics than the broker allows: maxTopics=3. Use fewer, or raise it',
    );
    expect((await client.send('t0')).code).toBe(0);
  });

  it('made by administrators count the same, and a deleted one makes room', async () => {
    running = await TestBroker.start({ maxTopics: 1 });
    const { connection } = await running.client();
    const made = async (name: string): Promise<number> =>
      (await connection.request(Requests.UPDATE_AND_CREATE_TOPIC, topic({ topic: name }))).code;
    expect([await made('a'), await made('b'), await made('a')]).toEqual([0, INVALID, 0]);
    await connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 'a' });
    expect(await made('b')).toBe(0);
  });

  it('of a store that has more of them are all there after a start with a smaller limit', async () => {
    running = await TestBroker.start();
    const fileSystem = new MemoryFileSystem();
    await running.stop();
    running = await TestBroker.start({ fileSystem });
    const before = await running.client();
    for (const name of names('t', 4)) await before.send(name);
    for (const group of names('g', 4)) await before.subscribe('me', group, { t0: '*' });
    await running.stop();
    running = await TestBroker.start({ fileSystem, maxTopics: 2, maxSubscriptionGroups: 2 });
    const client = await running.client();
    for (const name of names('t', 4)) expect((await client.send(name)).code).toBe(0);
    expect((await client.pull('t0', { group: 'g3' })).code).toBe(ResponseCode.SUCCESS);
    expect((await client.send('t4')).code).toBe(INVALID);
  });

  it('are made by heartbeats, pulls and failed messages up to maxSubscriptionGroups', async () => {
    running = await TestBroker.start({ maxSubscriptionGroups: 2 });
    const client = await running.client();
    await client.send('orders');
    const { connection } = client;
    const beat = async (group: string): Promise<number> =>
      (await connection.request(Requests.HEART_BEAT, {}, heartbeat([], [consumer(group)]))).code;
    expect([await beat('a'), await beat('b'), await beat('c')]).toEqual([0, 0, INVALID]);
    const pulled = await client.pull('orders', { group: 'd' });
    expect([pulled.code, pulled.remark]).toEqual([
      INVALID,
      'more consumer groups than the broker allows: maxSubscriptionGroups=2. Use fewer, or raise it',
    ]);
    const back = { offset: 0, group: 'e', delayLevel: 0 };
    expect((await connection.request(Requests.CONSUMER_SEND_MSG_BACK, back)).code).toBe(INVALID);
    expect((await client.send('%RETRY%f')).code).toBe(INVALID);
    const body = Buffer.from('{"groupName":"h"}');
    expect((await connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body })).code).toBe(INVALID);
  });

  it('for which there is no room keep out no other group of their client', async () => {
    running = await TestBroker.start({ maxSubscriptionGroups: 1 });
    const client = await running.client();
    await client.subscribe('me', 'old', { orders: '*' });
    const both = [consumer('new'), consumer('old', [subscription('orders', { subVersion: 2, subString: 'a' })])];
    const { code } = await client.connection.request(Requests.HEART_BEAT, {}, heartbeat([], both));
    expect(code).toBe(INVALID);
    const asked = { group: 'old', topic: 'orders' };
    const { body } = await client.connection.request(Requests.QUERY_SUBSCRIPTION_BY_CONSUMER, asked);
    expect(objectOf(objectOf(parseJson(body))['subscriptionData'])).toMatchObject({ subString: 'a' });
  });

  it('of a group that there is are made for its dead letters whatever the limits are', async () => {
    running = await TestBroker.start({ maxTopics: 1, maxSubscriptionGroups: 1 });
    const client = await running.client();
    await client.send('orders');
    await client.subscribe('me', 'g', { orders: '*' });
    const dead = { offset: 0, group: 'g', delayLevel: -1 };
    const { code } = await client.connection.request(Requests.CONSUMER_SEND_MSG_BACK, dead);
    expect([code, (await client.messages('%DLQ%g', { group: 'g' })).length]).toEqual([0, 1]);
  });

  it('for retries of groups that nobody has are bounded too', async () => {
    running = await TestBroker.start({ maxSubscriptionGroups: 2 });
    const client = await running.client();
    for (const group of names('%DLQ%x', 10)) await client.send(group);
    const { body } = await client.connection.request(Requests.GET_ALL_TOPIC_CONFIG, {});
    const made = Object.keys(objectOf(objectOf(parseJson(body))['topicConfigTable'])).filter((one) =>
      one.startsWith('%'),
    );
    expect(made.length).toBeLessThanOrEqual(4);
  });
});

describe('a heartbeat', () => {
  const limits = { maxGroupsPerClient: 3, maxSubscriptionsPerGroup: 2, maxFilterLength: 20 };
  const wrong: [string, Parameters<typeof heartbeat>, string][] = [
    ['groups', [names('p', 2), names('c', 2).map((one) => consumer(one))], 'maxGroupsPerClient=3'],
    [
      'subscriptions',
      [
        [],
        [
          consumer(
            'c',
            names('t', 3).map((one) => subscription(one)),
          ),
        ],
      ],
      'maxSubscriptionsPerGroup=2',
    ],
    ['characters', [[], [consumer('c', [subscription('t', { subString: 'x'.repeat(21) })])]], 'maxFilterLength=20'],
    ['tags', [[], [consumer('c', [subscription('t', { tagsSet: names('t', 11) })])]], 'maxFilterLength=20'],
    [
      'codes',
      [[], [consumer('c', [subscription('t', { codeSet: Array.from({ length: 11 }, (_, i) => i) })])]],
      'maxFilterLength=20',
    ],
    ['characters of its id', [[], [], 'x'.repeat(256)], 'longer than 255'],
  ];
  it.each(wrong)('with too many %s is refused as a whole, and names the limit', async (_what, given, said) => {
    running = await TestBroker.start(limits);
    const { connection } = await running.client();
    const { code, remark } = await connection.request(Requests.HEART_BEAT, {}, heartbeat(...given));
    expect([INVALID, ResponseCode.SUBSCRIPTION_PARSE_FAILED]).toContain(code);
    expect(remark).toContain(said);
    const online = await connection.request(Requests.GET_ALL_PRODUCER_INFO, {});
    expect(online.body.toString()).toBe('{"data":{}}');
  });

  it('that brings other groups each time has no more of them in all', async () => {
    running = await TestBroker.start(limits);
    const { connection } = await running.client();
    const codes: number[] = [];
    for (const group of names('p', 5))
      codes.push((await connection.request(Requests.HEART_BEAT, {}, heartbeat([group], []))).code);
    expect(codes).toEqual([0, 0, 0, INVALID, INVALID]);
  });
});

describe('what waits in memory', () => {
  it('as a pull is bounded by maxHeldPulls, and the one beyond is told to come later', async () => {
    running = await TestBroker.start({ maxHeldPulls: 2 });
    const client = await running.client();
    await client.send('orders');
    const waiting = [1, 2].map(() => client.pull('orders', { offset: 1, suspend: 10_000 }));
    const beyond = await client.pull('orders', { offset: 1, suspend: 10_000 });
    expect([beyond.code, beyond.remark]).toEqual([ResponseCode.SYSTEM_BUSY, expect.stringContaining('maxHeldPulls=2')]);
    await client.send('orders');
    for (const pull of waiting) expect((await pull).code).toBe(ResponseCode.SUCCESS);
    expect((await client.pull('orders', { offset: 2, suspend: 1, header: { suspendTimeoutMillis: 0 } })).code).toBe(19);
  });

  it('as a lock is one of a queue and a group that are there, and not many at a time', async () => {
    running = await TestBroker.start({ maxLockQueues: 3, autoCreateSubscriptionGroup: false });
    const client = await running.client();
    await client.send('orders');
    const lock = (group: string, queues: [string, number][]) => ({
      body: encodeLockBatch({
        clientId: 'me',
        consumerGroup: group,
        mqSet: queues.map(([name, queueId]) => ({ topic: name, brokerName: 'broker-a', queueId })),
      }),
    });
    const locked = async (group: string, queues: [string, number][]): Promise<number[]> => {
      const { body } = await client.connection.request(Requests.LOCK_BATCH_MQ, {}, lock(group, queues));
      return decodeLockOk(body).map(({ queueId }) => queueId);
    };
    expect(
      await locked('TOOLS_CONSUMER', [
        ['orders', 0],
        ['orders', 99],
        ['nowhere', 0],
      ]),
    ).toEqual([0]);
    expect(await locked('nobody', [['orders', 1]])).toEqual([]);
    const many = lock(
      'TOOLS_CONSUMER',
      names('', 4).map((_, queueId) => ['orders', queueId]),
    );
    const { code, remark } = await client.connection.request(Requests.LOCK_BATCH_MQ, {}, many);
    expect([code, remark]).toEqual([
      INVALID,
      'more queues to lock than the broker allows: maxLockQueues=3. Use fewer, or raise it',
    ]);
  });

  it('as an expression of a pull has maxFilterLength characters', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('orders');
    const codeOf = async (length: number): Promise<number> =>
      (await client.pull('orders', { expression: 'x'.repeat(length) })).code;
    expect([await codeOf(10_240), await codeOf(10_241)]).toEqual([
      ResponseCode.PULL_RETRY_IMMEDIATELY,
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    ]);
  });

  it('of key-values and brokers of the name server is bounded', async () => {
    running = await TestBroker.start({ maxKVConfigs: 2 });
    const nameServer = await running.nameServer();
    const put = async (key: string, value = 'v'): Promise<number> =>
      (await nameServer.request(Requests.PUT_KV_CONFIG, { namespace: 'n', key, value })).code;
    expect([await put('a'), await put('b'), await put('c'), await put('a')]).toEqual([0, 0, INVALID, 0]);
    expect([await put('a', 'x'.repeat(262_145)), await put('x'.repeat(256))]).toEqual([INVALID, INVALID]);
  });
});

describe('a batch', () => {
  const send = async (
    client: Awaited<ReturnType<TestBroker['client']>>,
    more: { i?: string; f?: number; body: Buffer },
  ) => {
    const { body, ...header } = more;
    const fields = { a: 'p', b: 'orders', c: 'TBW102', d: 1, e: 0, f: 0, g: 0, h: 0, i: '', m: true, ...header };
    return client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
  };
  const item = (properties: Record<string, string> = {}, body = 'x') => ({
    flag: 0,
    body: Buffer.from(body),
    properties: Buffer.from(encodeProperties(Object.entries(properties))),
  });
  const outside = (properties: Record<string, string>) => ({
    i: encodeProperties(Object.entries(properties)),
    body: encodeBatch([item()]),
  });

  it.each([
    ['a delay level outside', outside({ DELAY: '3' })],
    ['a delay level inside', { body: encodeBatch([item(), item({ DELAY: '3' })]) }],
    ['a time of delivery outside', outside({ TIMER_DELAY_SEC: '3' })],
    ["a half message's property outside", outside({ TRAN_MSG: 'true' })],
    ["a half message's property inside", { body: encodeBatch([item({ TRAN_MSG: 'true' })]) }],
    ["a half message's flag", { f: 4, body: encodeBatch([item()]) }],
    ["a committed message's flag", { f: 8, body: encodeBatch([item()]) }],
    ["a rolled back message's flag", { f: 12, body: encodeBatch([item()]) }],
    [
      'more bytes than a message may have (T057)',
      { body: encodeBatch([item({}, 'x'.repeat(3_000_000)), item({}, 'x'.repeat(3_000_000))]) },
    ],
  ])('with %s is 13, and nothing of it is stored, nor its topic made', async (_what, given) => {
    running = await TestBroker.start();
    const client = await running.client();
    expect((await send(client, given)).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect((await client.pull('orders')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it('of more messages than maxBatchMessages is 13, and names that', async () => {
    running = await TestBroker.start({ maxBatchMessages: 3 });
    const client = await running.client();
    const codeOf = async (count: number): Promise<number> =>
      (await send(client, { body: encodeBatch(names('', count).map(() => item())) })).code;
    expect([await codeOf(3), await codeOf(4)]).toEqual([0, ResponseCode.MESSAGE_ILLEGAL]);
  });
});

describe("the broker's own", () => {
  it.each([
    'TBW102',
    'SCHEDULE_TOPIC_XXXX',
    'RMQ_SYS_TRANS_HALF_TOPIC',
    'OFFSET_MOVED_EVENT',
    'BenchmarkTest',
    'rmq_sys_anything',
    'my-cluster',
    'my-broker',
    'my-cluster_REPLY_TOPIC',
    'rmq_sys_REVIVE_LOG_my-cluster',
  ])('topic %s cannot be deleted or changed, in the words of Apache', async (name) => {
    running = await TestBroker.start({ brokerName: 'my-broker', clusterName: 'my-cluster' });
    const { connection } = await running.client();
    const refusal = { code: INVALID, remark: `The topic[${name}] is conflict with system topic.` };
    expect(await connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: name })).toMatchObject(refusal);
    const change = topic({ topic: name });
    expect(await connection.request(Requests.UPDATE_AND_CREATE_TOPIC, change)).toMatchObject(refusal);
  });

  it.each(['TOOLS_CONSUMER', 'CID_RMQ_SYS_TRANS', 'CID_ONSAPI_PULL'])(
    'group %s cannot be deleted',
    async (groupName) => {
      running = await TestBroker.start();
      const { connection } = await running.client();
      const answer = await connection.request(Requests.DELETE_SUBSCRIPTIONGROUP, { groupName, cleanOffset: true });
      expect(answer).toMatchObject({ code: INVALID, remark: `The group[${groupName}] is conflict with system group.` });
      expect((await connection.request(Requests.GET_SUBSCRIPTIONGROUP_CONFIG, { group: groupName })).code).toBe(0);
    },
  );
});

describe('an answer about a disk that fails', () => {
  it('never says where files lie', async () => {
    const fileSystem = new MemoryFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    const open = fileSystem.open.bind(fileSystem);
    fileSystem.open = () => {
      const error: NodeJS.ErrnoException = new Error(
        "ENOSPC: no space left on device, open '/store/config/topics.json.tmp'",
      );
      return Promise.reject(Object.assign(error, { code: 'ENOSPC', syscall: 'open', path: '/store/config' }));
    };
    const answers = [
      await client.send('fresh'),
      await client.connection.request(Requests.UPDATE_AND_CREATE_TOPIC, topic()),
      await (await running.nameServer()).request(Requests.PUT_KV_CONFIG, { namespace: 'n', key: 'k', value: 'v' }),
    ];
    fileSystem.open = open;
    for (const { code, remark } of answers) {
      expect(code).toBe(ResponseCode.SYSTEM_ERROR);
      expect(remark).not.toMatch(/\/|store|config/);
      expect(remark).toContain('ENOSPC');
    }
  });
});

describe('LIMITS.md', () => {
  it('has each option that limits something', () => {
    const limits = optionEntries.filter(([name]) => /^max(?!HashSlot|Index)/.test(name));
    expect(limits.filter(([, { limit }]) => !limit).map(([name]) => name)).toEqual([]);
  });

  it('is what a server holds its peers to without options, too', () => {
    for (const [name, fallback] of Object.entries(serverDefaults))
      if (name in optionRows)
        expect([name, optionRows[name as keyof typeof optionRows].fallback]).toEqual([name, fallback]);
  });
});
