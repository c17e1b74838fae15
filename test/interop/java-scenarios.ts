// Lists what the Java peer's scenarios must print, beside what all peers print. The expectations come from Apache's own
// broker, and are the same on ours. The *.test.ts files choose the broker.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Cluster } from './harness/cluster.js';
import { type RocketMQVersion, has } from './harness/versions.js';
import { numbered, sorted } from './harness/lists.js';
import { JavaPeer } from './harness/java-peer.js';
import {
  type Allowances,
  CLOCK_SLACK_MS,
  type Scenario,
  declareCommonConsumeTests,
  declareCommonSendTests,
  declareTransactionTests,
  propertiesOf,
} from './peer-scenarios.js';

const SCENARIOS = [
  'sync',
  'async',
  'oneway',
  'batch',
  'properties',
  'large',
  'delay',
  'timer',
  'tags',
  'retry',
  'orderly',
  'offsets',
  'pull',
  'lite',
  'share',
  'transaction',
];

/** Starts all scenarios of one client version at once on the cluster, and declares one test for each. */
export function describeJavaClient(
  version: RocketMQVersion,
  clusterOf: () => Cluster,
  allowances: Allowances = { offsetMayGoBack: false },
): void {
  const recalls = has(version, 'recall');
  describe(`the Java client ${version}`, () => {
    let peer: JavaPeer;
    beforeAll(async () => {
      peer = await JavaPeer.start(version, clusterOf().nameServer, `java${version.replaceAll('.', '')}`, SCENARIOS);
    });
    afterAll(async () => {
      await peer?.kill();
    });
    const scenario: Scenario = (name) => peer.scenario(name);
    declareCommonSendTests(scenario);
    declareSendTests(scenario);
    declareTimerTest(scenario, recalls);
    declareCommonConsumeTests(scenario, allowances);
    declareConsumeTests(scenario);
    declareTransactionTests(scenario);
  });
}

function declareSendTests(scenario: Scenario): void {
  test('a batch arrives as single messages in one queue, with their own tags, keys and properties', async () => {
    const events = await scenario('batch');
    const sent = events.of('sent')[0]!;
    const received = events.of('received').sort((a, b) => Number(a.queueOffset) - Number(b.queueOffset));
    expect(received.map((message) => message.body)).toEqual(numbered('batch', 10));
    expect(received.map((message) => message.msgId)).toEqual(String(sent.msgId).split(','));
    expect(String(sent.offsetMsgId).split(',')).toHaveLength(10);
    expect(received[0]).toMatchObject({ queueId: sent.queueId, queueOffset: sent.queueOffset });
    const own = received.map(propertiesOf).map(({ TAGS, KEYS, index }) => ({ TAGS, KEYS, index }));
    expect(own).toEqual(Array.from({ length: 10 }, (_, i) => ({ TAGS: `tag${i}`, KEYS: `key${i}`, index: String(i) })));
  });

  test('keys, tags, flag and user properties arrive, and the message is found by its ids and by each key', async () => {
    const events = await scenario('properties');
    const expected = {
      body: 'properties ü 漢 😀',
      flag: 7,
      properties: expect.objectContaining({
        TAGS: 'TagA',
        KEYS: 'key1 key2',
        colour: 'blue = "ü"',
        quoted: '{"a": 1}',
        BUYER_ID: 'buyer',
        WAIT: 'true',
        TRACE_ON: 'true',
        MSG_REGION: 'DefaultRegion',
      }),
    };
    for (const event of ['received', 'viewed', 'viewed-by-unique-id'])
      expect(events.of(event)).toEqual([expect.objectContaining(expected)]);
    expect(events.of('queried')).toMatchObject([
      { ...expected, key: 'key1' },
      { ...expected, key: 'key2' },
    ]);
  });
}

/** @param recalls whether this client can take a message back */
function declareTimerTest(scenario: Scenario, recalls: boolean): void {
  test('T072, T079: messages come at their own time, not sooner, and one that is recalled does not', async () => {
    const events = await scenario('timer');
    const sent = new Map(events.of('sent').map((message) => [message.body, message]));
    const received = events.of('received').slice(1);
    const dues = { 'timer-ms': 2_600, 'timer-seconds': 4_000 };
    const [time] = events.field<number>('due', 'ms');
    const withoutRecall = recalls ? [] : ['timer-recalled'];
    expect(sorted(received.map(({ body }) => String(body)))).toEqual(
      sorted([...Object.keys(dues), 'timer-time', ...withoutRecall]),
    );
    for (const message of received) {
      const delay = dues[message.body as keyof typeof dues] ?? 0;
      const due = message.body === 'timer-time' ? time! : Number(message.bornTimestamp) + delay;
      expect(message.at).toBeGreaterThanOrEqual(due - CLOCK_SLACK_MS);
      expect(propertiesOf(message)).toMatchObject({ REAL_TOPIC: message.topic, TIMER_OUT_MS: expect.any(String) });
    }
    if (!recalls) return;
    expect(events.field('recalled', 'msgId')).toEqual([sent.get('timer-recalled')?.msgId]);
    expect(events.of('too-late')).toMatchObject([
      { code: 604, remark: expect.stringContaining('recall failed, timestamp invalid') },
    ]);
  });
}

function declareConsumeTests(scenario: Scenario): void {
  test('a pull consumer finds every message, the ends of the queues, and the offsets it stored', async () => {
    const events = await scenario('pull');
    const queues = events.of('queue');
    expect(sorted(events.bodies('pulled'))).toEqual(numbered('pull', 10));
    expect(queues).toHaveLength(4);
    for (const queue of queues) {
      expect(queue).toMatchObject({
        min: 0,
        nextOffset: queue.max,
        statusAtTheEnd: 'NO_NEW_MSG',
        statusBehindTheEnd: 'OFFSET_ILLEGAL',
        offsetOfNow: queue.max,
        offsetOfLongAgo: 0,
      });
      expect(Math.abs(Number(queue.earliest) - queue.at)).toBeLessThan(600_000);
    }
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
    expect(sum(events.field<number>('queue', 'odd'))).toBe(5);
    const stored = new Map(events.of('offset').map((line) => [line.queueId, line.offset]));
    expect(stored).toEqual(new Map(queues.map((line) => [line.queueId, line.max])));
  });

  test('a consumer that polls gets the messages with its tag', async () => {
    const even = numbered('lite', 20).filter((_body, i) => i % 2 === 0);
    expect(sorted((await scenario('lite')).bodies('polled'))).toEqual(sorted(even));
  });

  test('two consumers share the queues, and the one that stays takes over the rest', async () => {
    const events = await scenario('share');
    expect(events.of('shared')).toMatchObject([{ left: [0, 1], right: [2, 3] }]);
    expect(events.of('alone')).toMatchObject([{ left: [0, 1, 2, 3] }]);
    const received = events.of('received');
    expect(new Set(received.map((message) => message.body))).toEqual(
      new Set(['first', ...numbered('both', 40), ...numbered('alone', 40)]),
    );
    const takenBy = (phase: string): string[] => {
      const ofPhase = received.filter((message) => String(message.body).startsWith(phase));
      return sorted([...new Set(ofPhase.map((message) => `${String(message.consumer)} ${String(message.queueId)}`))]);
    };
    expect(takenBy('both')).toEqual(['left 0', 'left 1', 'right 2', 'right 3']);
    expect(takenBy('alone')).toEqual(['left 0', 'left 1', 'left 2', 'left 3']);
  });
}
