// Lists what the Java peer's scenarios must print. The expectations come from Apache's own broker, and are the same on ours.
// The *.test.ts files choose the broker.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Cluster, DELAY_LEVELS_MS } from './harness/cluster.js';
import { ROCKETMQ_5, type RocketMQVersion } from './harness/jars.js';
import { numbered, sorted } from './harness/lists.js';
import { JavaPeer, type PeerEvent, type ScenarioEvents } from './harness/java-peer.js';

type Properties = Record<string, string>;

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
/** The broker's clock may be read just before the client's. */
const CLOCK_SLACK_MS = 50;

const propertiesOf = (event: PeerEvent): Properties => event.properties as Properties;

/** That what was received is what was sent: same id, queue and offset for each body. */
function expectReceivedAsSent(events: ScenarioEvents): void {
  const place = ({ body, msgId, queueId, queueOffset }: PeerEvent): unknown => ({ body, msgId, queueId, queueOffset });
  const byBody = (a: PeerEvent, b: PeerEvent): number => String(a.body).localeCompare(String(b.body));
  expect(events.of('received').sort(byBody).map(place)).toEqual(events.of('sent').sort(byBody).map(place));
}

interface Allowances {
  /**
   * A pull that brings an older offset along may undo an update that the broker took before it, so that a group that
   * comes back gets a message again. Apache's broker does that now and then.
   */
  offsetMayGoBack: boolean;
}

/** Starts all scenarios of one client version at once on the cluster, and declares one test for each. */
export function describeJavaClient(
  version: RocketMQVersion,
  clusterOf: () => Cluster,
  allowances: Allowances = { offsetMayGoBack: false },
): void {
  const recalls = version === ROCKETMQ_5;
  describe(`the Java client ${version}`, () => {
    let peer: JavaPeer;
    beforeAll(async () => {
      peer = await JavaPeer.start(version, clusterOf().nameServer, `java${version.replaceAll('.', '')}`, SCENARIOS);
    });
    afterAll(async () => {
      await peer?.kill();
    });
    declareSendTests((name) => peer.scenario(name));
    declareTimerTest((name) => peer.scenario(name), recalls);
    declareConsumeTests((name) => peer.scenario(name), allowances);
    declareTransactionTests((name) => peer.scenario(name));
  });
}

type Scenario = (name: string) => Promise<ScenarioEvents>;

function declareSendTests(scenario: Scenario): void {
  test.each(['sync', 'async'])('%s sends are answered with the place where they are found again', async (name) => {
    const events = await scenario(name);
    expect(sorted(events.bodies('sent'))).toEqual(numbered(name, 10));
    expect(new Set(events.field('sent', 'status'))).toEqual(new Set(['SEND_OK']));
    expectReceivedAsSent(events);
  });

  test('one-way sends arrive', async () => {
    expect(sorted((await scenario('oneway')).bodies('received'))).toEqual(numbered('oneway', 10));
  });

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

  test('large bodies arrive, compressed by the client or not', async () => {
    const events = await scenario('large');
    expect(events.bodies('sent')).toEqual(['100035 bytes, crc 54ba229d', '500000 bytes, crc eecc1444']);
    expectReceivedAsSent(events);
  });

  test('delayed messages arrive when their level says, not sooner, and in their own topic', async () => {
    const received = (await scenario('delay')).of('received');
    expect(received.map((message) => message.body)).toEqual(['delay-0', 'delay-1', 'delay-2', 'delay-3']);
    for (const [i, message] of received.slice(1).entries()) {
      expect(message.at - Number(message.bornTimestamp)).toBeGreaterThanOrEqual(DELAY_LEVELS_MS[i]! - CLOCK_SLACK_MS);
      expect(propertiesOf(message)).toMatchObject({ DELAY: String(i + 1), REAL_TOPIC: message.topic });
    }
  });
}

/** @param recalls whether this client can take a message back */
function declareTimerTest(scenario: Scenario, recalls: boolean): void {
  test('T072, T079: messages come at their own time, not sooner, and one that is recalled does not', async () => {
    const events = await scenario('timer');
    const sent = new Map(events.of('sent').map((message) => [message.body, message]));
    const received = events.of('received').slice(1);
    const dues = { 'timer-ms': 2_600, 'timer-seconds': 4_000, 'timer-time': 5_200 };
    const withoutRecall = recalls ? [] : ['timer-recalled'];
    expect(sorted(received.map(({ body }) => String(body)))).toEqual(sorted([...Object.keys(dues), ...withoutRecall]));
    for (const message of received) {
      const due = dues[message.body as keyof typeof dues] ?? 0;
      expect(message.at - Number(message.bornTimestamp)).toBeGreaterThanOrEqual(due - CLOCK_SLACK_MS);
      expect(propertiesOf(message)).toMatchObject({ REAL_TOPIC: message.topic, TIMER_OUT_MS: expect.any(String) });
    }
    if (!recalls) return;
    expect(events.field('recalled', 'msgId')).toEqual([sent.get('timer-recalled')?.msgId]);
    expect(events.of('too-late')).toMatchObject([
      { code: 604, remark: expect.stringContaining('recall failed, timestamp invalid') },
    ]);
  });
}

function declareConsumeTests(scenario: Scenario, { offsetMayGoBack }: Allowances): void {
  test('a subscription to two tags gets these and nothing else', async () => {
    const expected = ['tags-TagA-0', 'tags-TagA-1', 'tags-TagA-2', 'tags-TagB-0', 'tags-TagB-1', 'tags-TagB-2'];
    expect(sorted((await scenario('tags')).bodies('received'))).toEqual(expected);
  });

  test('a failed message comes again, and after the last try lies in the dead letter queue', async () => {
    const events = await scenario('retry');
    const tries = (body: string): unknown[] =>
      events
        .of('consumed')
        .filter((message) => message.body === body)
        .map((message) => message.reconsumeTimes);
    expect({ good: tries('good'), failsOnce: tries('fails-once'), poison: tries('poison') }).toEqual({
      good: [0],
      failsOnce: [0, 1],
      poison: [0, 1, 2],
    });
    const first = events.of('sent').filter((message) => message.body === 'poison')[0]!;
    const dead = events.of('dead')[0]!;
    expect(dead).toMatchObject({
      body: 'poison',
      msgId: first.msgId,
      topic: expect.stringContaining('%DLQ%'),
      reconsumeTimes: 3,
    });
    expect(propertiesOf(dead)).toMatchObject({
      KEYS: 'key-poison',
      TAGS: 'TagR',
      trace: 'poison',
      RETRY_TOPIC: events.of('consumed')[0]!.topic,
      ORIGIN_MESSAGE_ID: first.offsetMsgId,
    });
  });

  test('an orderly consumer sees each queue in order, and a refused message again before the next', async () => {
    const consumed = (await scenario('orderly')).of('consumed');
    const of = (order: number): unknown[] =>
      consumed.map((message) => message.body).filter((body) => String(body).startsWith(`order-${order}`));
    expect(of(0)).toEqual(['order-0-step-0', ...numbered('order-0-step', 4)]);
    expect(of(1)).toEqual(numbered('order-1-step', 4));
    expect(of(2)).toEqual(numbered('order-2-step', 4));
  });

  test('a group that comes back gets what was sent meanwhile and nothing twice', async () => {
    const events = await scenario('offsets');
    const away = events.all.findIndex((event) => event.event === 'away');
    const bodies = (lines: readonly PeerEvent[]): unknown[] =>
      sorted(lines.filter((line) => line.event === 'received').map((line) => String(line.body)));
    expect(bodies(events.all.slice(0, away))).toEqual(numbered('before', 8));
    const afterwards = bodies(events.all.slice(away));
    const again = afterwards.filter((body) => offsetMayGoBack && String(body).startsWith('before-'));
    expect(afterwards.filter((body) => !again.includes(body))).toEqual(numbered('meanwhile', 8));
  });

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
      expect(Math.abs(Number(queue.earliest) - queue.at)).toBeLessThan(60_000);
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

function declareTransactionTests(scenario: Scenario): void {
  test('only committed transactions are delivered, and the unknown are asked about', async () => {
    const events = await scenario('transaction');
    expect(sorted(events.bodies('received').filter((body) => body !== 'fence'))).toEqual([
      'commit',
      'throw-commit',
      'unknown-commit',
    ]);
    expect(sorted([...new Set(events.bodies('check'))])).toEqual([
      'throw-commit',
      'unknown-commit',
      'unknown-rollback',
    ]);
    const states = Object.fromEntries(events.of('sent').map((line) => [line.body, line.localState]));
    expect(states).toEqual({
      commit: 'COMMIT_MESSAGE',
      rollback: 'ROLLBACK_MESSAGE',
      'unknown-commit': 'UNKNOW',
      'unknown-rollback': 'UNKNOW',
      'throw-commit': 'UNKNOW',
    });
  });

  test('a delivered transaction keeps its id, keys and tags, and the check carries them too', async () => {
    const events = await scenario('transaction');
    const sent = events.of('sent').filter((line) => line.body === 'unknown-commit')[0]!;
    const received = events.of('received').filter((line) => line.body === 'unknown-commit')[0]!;
    const check = events.of('check').filter((line) => line.body === 'unknown-commit')[0]!;
    expect(received.msgId).toBe(sent.msgId);
    expect(check.transactionId).toBe(sent.transactionId);
    expect(check.topic).toBe(received.topic);
    for (const message of [received, check])
      expect(propertiesOf(message)).toMatchObject({ KEYS: 'key-unknown-commit', TAGS: 'TagT', UNIQ_KEY: sent.msgId });
  });
}
