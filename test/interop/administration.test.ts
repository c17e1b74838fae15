// Compares how Apache's broker and ours answer the requests of mqadmin and of DefaultMQAdminExt that administer a broker.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { RocketMQClient } from '@nest-rocketmq/client';
import {
  Connections,
  Requests,
  decodeQueueTable,
  handlerTable,
  objectOf,
  objectsIn,
  parseJson,
  parseJsonObject,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, Reply, RequestRow } from '@nest-rocketmq/remoting/internal';
import { newClient, SEND_TIMEOUT_MS } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { mqadmin } from './harness/mqadmin.js';
import { OurReader } from './harness/our-reader.js';
import { startOurBroker } from './harness/our-broker.js';
import { temporaryFolder } from './harness/temporary.js';

jest.setTimeout(300_000);

const TOPIC = 'admin';
const GROUP = 'admin_group';
const BROADCASTING = 'admin_broadcasting';
const TAGS = ['a', 'b', 'a', 'c'];
/** So that records have the same length on both: it is off in Apache's broker by default. */
const settings = { enabledAppendPropCRC: 'false' };

const topics = [
  { topicName: 'listed_one', readQueueNums: 3, writeQueueNums: 2, perm: 4 },
  { topicName: 'listed_two', readQueueNums: 1, writeQueueNums: 1, perm: 6, attributes: { '+message.type': 'FIFO' } },
];
const groups = [
  { groupName: 'listed_group', retryMaxTimes: 3, consumeEnable: false },
  { groupName: 'listed_other', retryQueueNums: 2 },
];

const commandsFor = (address: string, folder: string): Record<string, string> => ({
  updateTopicList: `updateTopicList -b ${address} -f ${join(folder, 'topics.json')}`,
  updateSubGroupList: `updateSubGroupList -b ${address} -f ${join(folder, 'groups.json')}`,
  updateBrokerConfig: `updateBrokerConfig -b ${address} -k maxTransferCountOnMessageInMemory -v 2`,
  wrongBrokerConfig: `updateBrokerConfig -b ${address} -k litePullMessageEnable -v perhaps`,
  unknownBrokerConfig: `updateBrokerConfig -b ${address} -k colour -v blue`,
  updateNamesrvConfig: 'updateNamesrvConfig -k orderMessageEnable -v true',
  getBrokerConfig: `getBrokerConfig -b ${address}`,
  cleanExpiredCQ: `cleanExpiredCQ -b ${address}`,
  deleteExpiredCommitLog: `deleteExpiredCommitLog -b ${address}`,
  cleanUnusedTopic: `cleanUnusedTopic -b ${address}`,
  queryCq: `queryCq -t ${TOPIC} -q 0 -i 1 -c 2 -b ${address}`,
  queryCqOfGroup: `queryCq -t ${TOPIC} -q 0 -i 0 -c 9 -g nobody -b ${address}`,
  haStatus: `haStatus -b ${address}`,
  consumerConnection: `consumerConnection -g ${BROADCASTING}`,
  cloneGroupOffset: `cloneGroupOffset -s ${GROUP} -d listed_other -t ${TOPIC} -o false`,
});

/** A broker that has messages and a consumer of them, after all commands. */
class Administered {
  readonly printed = new Map<string, string[]>();
  client!: RocketMQClient;
  readonly #connections = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });

  constructor(readonly cluster: Cluster) {}

  async run(): Promise<this> {
    this.client = newClient(this.cluster);
    await this.client.start();
    await this.client.admin.createTopic({ topic: TOPIC, queues: 1 });
    const producer = this.client.createProducer({ group: 'p', sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    const consumer = { group: GROUP, subscriptions: [{ topic: TOPIC }] };
    const reader = await OurReader.start(this.client, consumer);
    await OurReader.start(this.client, { ...consumer, group: BROADCASTING, messageModel: 'BROADCASTING' });
    for (const tags of TAGS) await producer.send({ topic: TOPIC, body: 'x', tags });
    await reader.take(TAGS.length);
    await this.untilCommitted();

    const folder = temporaryFolder('admin');
    writeFileSync(join(folder, 'topics.json'), JSON.stringify(topics));
    writeFileSync(join(folder, 'groups.json'), JSON.stringify(groups));
    const commands = commandsFor(this.cluster.brokerAddress, folder);
    const lines = await mqadmin(this.cluster.nameServer, Object.values(commands));
    for (const [name, command] of Object.entries(commands)) {
      // What logback says of itself is left out.
      const shown = lines.get(command)!.filter((line) => !/\|-(INFO|WARN) in /.test(line));
      this.printed.set(
        name,
        shown.map((line) => line.replaceAll(this.cluster.brokerAddress, 'BROKER')),
      );
    }
    return this;
  }

  async ask<Row extends RequestRow>(row: Row, header: HeaderOf<Row>): Promise<Reply<Row>> {
    return (await this.#connections.get(this.cluster.brokerAddress)).request(row, header, { timeout: 30_000 });
  }

  async json<Row extends RequestRow>(row: Row, header: HeaderOf<Row>): Promise<Record<string, unknown>> {
    return objectOf(parseJson((await this.ask(row, header)).body));
  }

  async untilCommitted(): Promise<void> {
    const [queue] = await this.client.admin.fetchSubscribeMessageQueues(TOPIC);
    // The broker does not announce offsets: ask again.
    while ((await this.client.admin.consumerOffset(GROUP, queue!)) !== TAGS.length)
      await new Promise((resolve) => setTimeout(resolve, 100));
  }

  async end(): Promise<void> {
    this.#connections.closeAll();
    await this.client.shutdown();
  }
}

describe('an administrator of a broker', () => {
  let apache: Administered;
  let ours: Administered;
  beforeAll(async () => {
    const start = async (starting: Promise<Cluster>): Promise<Administered> => new Administered(await starting).run();
    [apache, ours] = await Promise.all([start(startApache({ settings })), start(startOurBroker({ settings }))]);
  });
  afterAll(async () => {
    await Promise.all([apache?.end(), ours?.end()]);
    await cleanUp();
  });

  const both = async <T>(look: (broker: Administered) => Promise<T>): Promise<[apache: T, ours: T]> => [
    await look(apache),
    await look(ours),
  ];

  test.each([
    'updateTopicList',
    'updateSubGroupList',
    'updateBrokerConfig',
    'cleanExpiredCQ',
    'deleteExpiredCommitLog',
    'cleanUnusedTopic',
    'queryCq',
    'queryCqOfGroup',
    'cloneGroupOffset',
  ])('T175: is shown the same by mqadmin %s', (command) => {
    const [theirs, mine] = [apache.printed.get(command)!, ours.printed.get(command)!];
    expect(theirs.join('\n')).not.toMatch(/Exception/);
    expect(theirs.length).toBeGreaterThan(0);
    expect(mine).toEqual(theirs);
  });

  test('T175: is shown the state of a master without slaves by mqadmin haStatus', () => {
    // How far the log reaches stands in it, too: topics of its own take room in Apache's.
    const shown = ({ printed }: Administered): string[] =>
      printed.get('haStatus')!.map((line) => line.replace(/(MasterCommitLogMaxOffset|maxOffset)\W+\d+/gi, '$1'));
    expect(shown(apache).join('\n')).not.toMatch(/Exception/);
    expect(shown(ours)).toEqual(shown(apache));
  });

  test('T175: is shown what a broadcasting group subscribes to by mqadmin consumerConnection', () => {
    // Above that stand its members, with ids and addresses of their own.
    const shown = ({ printed }: Administered): string[] => {
      const lines = printed.get('consumerConnection')!;
      return lines.slice(lines.indexOf('Below is subscription:'));
    };
    expect(shown(apache)).toEqual(
      expect.arrayContaining([expect.stringContaining(TOPIC), 'MessageModel: BROADCASTING']),
    );
    expect(shown(ours)).toEqual(shown(apache));
  });

  test('T173, T174: has the topics and groups that the lists name, and their settings', async () => {
    for (const { topicName: topic } of topics) {
      const [theirs, mine] = await both((broker) => broker.json(Requests.GET_TOPIC_CONFIG, { topic }));
      expect(theirs).toMatchObject({ topicName: topic });
      const own = Object.entries(mine).filter(([name]) => name in theirs);
      expect(Object.fromEntries(own)).toMatchObject(
        Object.fromEntries(Object.entries(theirs).filter(([name]) => name in mine)),
      );
      expect(own.length).toBeGreaterThan(6);
    }
    for (const { groupName: group, ...wanted } of groups) {
      const answers = await both((broker) => broker.json(Requests.GET_SUBSCRIPTIONGROUP_CONFIG, { group }));
      for (const answer of answers) expect(answer).toMatchObject({ groupName: group, ...wanted });
    }
  });

  test('T175: has the option that was changed, and is told of a value that cannot be', () => {
    for (const { printed } of [apache, ours]) {
      const shown = printed.get('getBrokerConfig')!.find((line) => line.includes('maxTransferCountOnMessageInMemory'));
      expect(shown).toMatch(/=\s*2$/);
    }
    // Apache's broker ignores a key that it does not know, and takes what is no word for true as false.
    for (const wrong of ['wrongBrokerConfig', 'unknownBrokerConfig'])
      expect(apache.printed.get(wrong)!.join('\n')).toMatch(/success/);
    expect(ours.printed.get('unknownBrokerConfig')!.join('\n')).toMatch(/CODE: 1 .*option colour is 'blue'/);
    expect(ours.printed.get('updateNamesrvConfig')!.join('\n')).toMatch(/CODE: 3 /);
    expect(ours.printed.get('wrongBrokerConfig')!.join('\n')).toMatch(
      /CODE: 1 .*option litePullMessageEnable is 'perhaps'/,
    );
  });

  test('T154: is told how far the members of a group have come', async () => {
    const header = { topic: TOPIC, group: GROUP, clientAddr: '' };
    const [theirs, mine] = await both(async (broker) => {
      const { consumerTable } = await broker.json(Requests.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, header);
      return decodeQueueTable(objectOf(consumerTable)[broker.client.clientId]);
    });
    expect(theirs).toEqual([[{ topic: TOPIC, brokerName: 'broker-a', queueId: 0 }, TAGS.length]]);
    expect(mine).toEqual(theirs);
    const nobody = { ...header, group: 'nobody' };
    expect(
      await both(async (broker) => (await broker.ask(Requests.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, nobody)).code),
    ).toEqual([1, 1]);
  });

  test('T175: is told when messages were stored and consumed', async () => {
    const [theirs, mine] = await both(async (broker) => {
      const { body } = await broker.ask(Requests.QUERY_CONSUME_TIME_SPAN, { topic: TOPIC, group: GROUP });
      const spans = objectsIn(parseJsonObject(body, 'time spans'), 'consumeTimeSpanSet');
      return spans.map(({ messageQueue, minTimeStamp, maxTimeStamp, consumeTimeStamp, delayTime }) => ({
        messageQueue,
        all: Number(maxTimeStamp) >= Number(minTimeStamp) && Number(minTimeStamp) > 0,
        consumed: consumeTimeStamp === maxTimeStamp,
        delayTime,
      }));
    });
    expect(theirs).toEqual([
      {
        messageQueue: { topic: TOPIC, brokerName: 'broker-a', queueId: 0 },
        all: true,
        consumed: true,
        delayTime: 0,
      },
    ]);
    expect(mine).toEqual(theirs);
    const delays = await both(async (broker) => {
      const { body } = await broker.ask(Requests.QUERY_CONSUME_TIME_SPAN, { topic: TOPIC, group: 'nobody' });
      const [span] = objectsIn(parseJsonObject(body, 'time spans'), 'consumeTimeSpanSet');
      return Number(span!['delayTime']);
    });
    // Without an offset, Apache's counts from 1970 on.
    expect(delays[0]).toBeGreaterThan(Date.now() - 3_600_000);
    expect(delays[1]).toBeLessThan(3_600_000);
  });

  test('T175: gives the offsets of one group to another', async () => {
    const [queue] = await apache.client.admin.fetchSubscribeMessageQueues(TOPIC);
    for (const broker of [apache, ours]) {
      const header = { srcGroup: GROUP, destGroup: 'listed_group', topic: TOPIC, offline: false };
      expect((await broker.ask(Requests.CLONE_GROUP_OFFSET, header)).code).toBe(0);
      // Ours makes the group; Apache's broker keeps the offsets without one.
      expect((await broker.ask(Requests.CLONE_GROUP_OFFSET, { ...header, destGroup: 'not_there' })).code).toBe(0);
      for (const group of ['listed_other', 'listed_group', 'not_there'])
        expect(await broker.client.admin.consumerOffset(group, queue!)).toBe(TAGS.length);
    }
  });

  test('T174: forbids a group to read a topic', async () => {
    const place = { group: GROUP, topic: TOPIC };
    const pull = {
      ...place,
      consumerGroup: place.group,
      queueId: 0,
      queueOffset: 0,
      maxMsgNums: 1,
      sysFlag: 0,
      commitOffset: 0,
      suspendTimeoutMillis: 0,
      subVersion: 0,
    };
    for (const readable of [true, false, undefined, true]) {
      const header = { ...place, ...(readable !== undefined && { readable }) };
      const [theirs, mine] = await both((broker) => broker.json(Requests.UPDATE_AND_GET_GROUP_FORBIDDEN, header));
      expect(theirs).toEqual({ ...place, readable: readable ?? false });
      expect(mine).toEqual(theirs);
      const answers = await both(async (broker) => {
        const { code, remark } = await broker.ask(Requests.PULL_MESSAGE, pull);
        return { code, remark };
      });
      expect(answers[0].code).toBe(readable === true ? 0 : 16);
      expect(answers[1]).toEqual(answers[0]);
    }
  });
});
