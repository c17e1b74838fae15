// Tests resets of offsets across implementations: our consumers obey Apache's mqadmin, and Java's obey our administration.
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Outcome, RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/client';
import { newClient, type Peer, SEND_TIMEOUT_MS } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { startChild } from './harness/children.js';
import { QUICK_START, ROCKETMQ_4, ROCKETMQ_5, javaPeerClasses } from './harness/jars.js';
import { inTime } from './harness/long.js';
import { mqadmin } from './harness/mqadmin.js';
import { startOurBroker } from './harness/our-broker.js';
import { OurReader, bodiesOf, untilHolds } from './harness/our-reader.js';
import { temporaryFolder } from './harness/temporary.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const LINE_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
const HEAP = ['-Xms32m', '-Xmx128m', ...QUICK_START];
/** MemberScenario.java splits a body into a queue and a number. */
const BODIES = ['0 0', '0 1'];

const BROKERS: [string, boolean, () => Promise<Cluster>][] = [
  ["Apache's broker 5.5.0", false, () => startApache()],
  ["Apache's broker 4.9.7, which tells consumers by code 220", true, () => startApache({ version: ROCKETMQ_4 })],
  ['our broker', false, startOurBroker],
];

// Each reset on 5.5.0 waits up to 15 s for a pull. The Nest suite has a reset on it always.
describe.each(inTime(BROKERS, ([whose]) => whose.includes('5.5.0')))('on %s', (_whose, levelsOnly, start) => {
  const peer = {} as Peer;
  beforeAll(async () => {
    peer.cluster = await start();
    peer.client = newClient(peer.cluster);
    await peer.client.start();
    peer.producer = peer.client.createProducer({ group: 'backtracking', sendMsgTimeout: SEND_TIMEOUT_MS });
    await peer.producer.start();
  });
  afterAll(async () => {
    await peer.client?.shutdown();
    await cleanUp();
  });

  /** A 4.x broker resets no group that has no offset yet, and consumers store theirs once a second. */
  const untilStored = async (group: string, topic: string, offset: number): Promise<void> => {
    const [queue] = await peer.client.admin.fetchSubscribeMessageQueues(topic);
    while ((await peer.client.admin.consumerOffset(group, queue!)) !== offset) await wait(POLL_MS);
  };

  const sendAll = async (topic: string): Promise<void> => {
    await peer.client.admin.createTopic({ topic, queues: 1 });
    for (const body of BODIES) await peer.producer.send({ topic, body });
  };

  test("T137 our consumer obeys mqadmin's resetOffsetByTime, and our own", async () => {
    const [topic, group] = ['reset_ours', 'reset_ours_group'];
    await sendAll(topic);
    const reader = await OurReader.start(peer.client, { group, subscriptions: [{ topic }] });
    await reader.take(2);
    await untilStored(group, topic, 2);
    await mqadmin(peer.cluster.nameServer, [`resetOffsetByTime -g ${group} -t ${topic} -s 0`]);
    await reader.take(4);
    const [reset] = await peer.client.admin.resetOffsetByTime({ group, topic, time: 0 });
    expect(reset).toMatchObject({ queue: { topic, queueId: 0 }, offset: 0 });
    expect(bodiesOf(await reader.take(6))).toEqual([...BODIES, ...BODIES, ...BODIES]);
    await reader.stop();
    // Nobody runs: the offsets are set all the same.
    await peer.client.admin.resetOffsetByTime({ group, topic, time: 'end' });
    const [queue] = await peer.client.admin.fetchSubscribeMessageQueues(topic);
    expect(await peer.client.admin.consumerOffset(group, queue!)).toBe(2);
  });

  test("Java's consumer obeys our resetOffsetByTime", async () => {
    const [topic, group] = ['reset_member_topic', 'reset_member_group'];
    await sendAll(topic);
    const ended: string[] = [];
    let again = (): void => undefined;
    const onLine = (line: string): void => {
      ended.push(...(/"what":"end".*"seq":(\d)/.exec(line)?.slice(1) ?? []));
      if (ended.includes('2')) again();
    };
    const home = temporaryFolder('java-member');
    const settings = [...HEAP, `-Duser.home=${home}`, `-Drocketmq.client.logRoot=${home}/logs`];
    const names = ['peer.Peer', peer.cluster.nameServer, 'reset', 'member'];
    const args = [...settings, '-cp', await javaPeerClasses(ROCKETMQ_5), ...names];
    const java = startChild('member (Java)', 'java', args, { onLine });
    await java.line(/"event":"started"/, LINE_TIMEOUT_MS);
    // Sent after its start: a new group of Java's begins behind what was there, on Apache's broker at the beginning.
    await peer.producer.send({ topic, body: '0 2' });
    await java.line(/"what":"end".*"seq":2/, LINE_TIMEOUT_MS);
    await untilStored(group, topic, 3);
    ended.length = 0;
    const consumedAgain = new Promise<void>((resolve) => (again = resolve));
    await peer.client.admin.resetOffsetByTime({ group, topic, time: 0 });
    await consumedAgain;
    expect(ended.slice(-3)).toEqual(['0', '1', '2']);
    await java.stop();
  });

  test('T084 T085 T086 outcomes of a listener are what this broker can do', async () => {
    const [topic, group] = ['outcomes', 'outcomes_group'];
    await sendAll(topic);
    const seen: MessageExt[] = [];
    let third = (): void => undefined;
    const allSeen = new Promise<void>((resolve) => (third = resolve));
    const consumer = peer.client.createPushConsumer({
      group,
      subscriptions: [{ topic }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: ([message]) => {
        seen.push({ ...message! });
        if (seen.length === 3) third();
        if (message!.body.toString() === BODIES[0]) return Outcome.toDeadLetter('no such order');
        return message!.reconsumeTimes === 0 ? Outcome.retryLater('2600ms') : Outcome.ack;
      },
    });
    await consumer.start();
    const dead = await OurReader.start(peer.client, {
      group: `${group}_dead`,
      subscriptions: [{ topic: `%DLQ%${group}` }],
    });
    await untilHolds([dead], () => dead.received.length === 1, 'the dead letter');
    await allSeen;
    const [, , again] = seen;
    expect(again).toMatchObject({ topic, reconsumeTimes: 1 });
    expect(again!.properties.has('TIMER_DELIVER_MS')).toBe(!levelsOnly);
    // The levels are 1s 2s 3s 1s …: 2.6 s is nearest to the third.
    if (levelsOnly) expect(again!.properties.get('DELAY')).toBe('3');
    expect(dead.received[0]!.properties.get('DLQ_REASON')).toBe('no such order');
    const letters = [];
    for await (const letter of peer.client.admin.deadLetters(group)) letters.push(letter);
    expect(letters).toMatchObject([{ topic, reason: 'no such order', deliveries: 1 }]);
    await consumer.shutdown();
    await dead.stop();
  });

  test('T086 what uses up its tries at the limits of a broker is a dead letter, in a namespace too', async () => {
    const [topic, group, namespace] = ['last_tries', 'last_tries_group', 'shop'];
    const { nameServer } = peer.cluster;
    const client = new RocketMQClient({ nameServer, namespace });
    const producer = client.createProducer({ group: 'last_tries_producer', sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    await client.admin.createTopic({ topic, queues: 1 });
    // The reason does not fit beside these properties, and the body is as large as a broker takes it.
    await producer.send({ topic, body: 'properties', properties: { p: 'p'.repeat(32_300) } });
    await producer.send({ topic, body: randomBytes(4_194_304), tags: 'body' });
    await producer.send({ topic, body: 'small' });
    const consumer = client.createPushConsumer({
      group,
      subscriptions: [{ topic }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      maxReconsumeTimes: 0,
      listener: () => {
        throw new Error('no'.repeat(400));
      },
    });
    await consumer.start();
    const letters = new Map<string, string | undefined>();
    while (letters.size < 3) {
      await wait(POLL_MS);
      for await (const { tags, message, reason } of client.admin.deadLetters(group))
        letters.set(tags ?? message.body.toString(), reason);
    }
    expect(Object.fromEntries(letters)).toEqual({
      properties: undefined,
      body: 'no'.repeat(400),
      small: 'no'.repeat(400),
    });
    await client.shutdown();
  });
});
