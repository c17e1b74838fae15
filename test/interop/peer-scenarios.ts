// Says what the scenarios must print that the Java and the Go peer have in common. The expectations come from Apache's own
// broker, and are the same on ours.
import { expect, test } from '@jest/globals';
import { DELAY_LEVELS_MS } from './harness/cluster.js';
import { numbered, sorted } from './harness/lists.js';
import type { PeerEvent, ScenarioEvents } from './harness/scenario-peer.js';

type Properties = Record<string, string>;

/** The broker's clock may be read just before the client's. */
export const CLOCK_SLACK_MS = 50;

/** A broker asks about what has no verdict after 3 s. */
const LATE_VERDICT_MS = 1_000;

export const propertiesOf = (event: PeerEvent): Properties => event.properties as Properties;

/** That what was received is what was sent: same id, queue and offset for each body. */
function expectReceivedAsSent(events: ScenarioEvents): void {
  const place = ({ body, msgId, queueId, queueOffset }: PeerEvent): unknown => ({ body, msgId, queueId, queueOffset });
  const byBody = (a: PeerEvent, b: PeerEvent): number => String(a.body).localeCompare(String(b.body));
  expect(events.of('received').sort(byBody).map(place)).toEqual(events.of('sent').sort(byBody).map(place));
}

export interface Allowances {
  /**
   * A pull that brings an older offset along may undo an update that the broker took before it, so that a group that
   * comes back gets a message again. Apache's broker does that now and then.
   */
  offsetMayGoBack: boolean;
}

export type Scenario = (name: string) => Promise<ScenarioEvents>;

export function declareCommonSendTests(scenario: Scenario): void {
  test.each(['sync', 'async'])('%s sends are answered with the place where they are found again', async (name) => {
    const events = await scenario(name);
    expect(sorted(events.bodies('sent'))).toEqual(numbered(name, 10));
    expect(new Set(events.field('sent', 'status'))).toEqual(new Set(['SEND_OK']));
    expectReceivedAsSent(events);
  });

  test('one-way sends arrive', async () => {
    expect(sorted((await scenario('oneway')).bodies('received'))).toEqual(numbered('oneway', 10));
  });

  test('large bodies arrive, compressed by the client or not', async () => {
    const events = await scenario('large');
    expect(events.bodies('sent')).toEqual(['100035 bytes, crc 54ba229d', '500000 bytes, crc eecc1444']);
    expectReceivedAsSent(events);
  });

  test('delayed messages arrive when their level says, not sooner, and in their own topic', async () => {
    // They lie in different queues: those that are due while the machine is busy may come in any order.
    const received = (await scenario('delay'))
      .of('received')
      .toSorted((a, b) => (String(a.body) < String(b.body) ? -1 : 1));
    expect(received.map((message) => message.body)).toEqual(['delay-0', 'delay-1', 'delay-2', 'delay-3']);
    for (const [i, message] of received.slice(1).entries()) {
      expect(message.at - Number(message.bornTimestamp)).toBeGreaterThanOrEqual(DELAY_LEVELS_MS[i]! - CLOCK_SLACK_MS);
      expect(propertiesOf(message)).toMatchObject({ DELAY: String(i + 1), REAL_TOPIC: message.topic });
    }
  });
}

export function declareCommonConsumeTests(scenario: Scenario, { offsetMayGoBack }: Allowances): void {
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
}

export function declareTransactionTests(scenario: Scenario): void {
  test('only committed transactions are delivered, and the unknown are asked about', async () => {
    const events = await scenario('transaction');
    const delivered = events.bodies('received').filter((body) => body !== 'fence');
    expect(sorted([...new Set(delivered)])).toEqual(['commit', 'throw-commit', 'unknown-commit']);
    // A broker that waits long for an answer asks again, and delivers what is committed again.
    const twice = delivered.filter((body, index) => delivered.indexOf(body) !== index);
    expect(twice.filter((body) => !events.bodies('check').includes(body))).toEqual([]);
    const unknown = ['throw-commit', 'unknown-commit', 'unknown-rollback'];
    expect(unknown.filter((body) => !events.bodies('check').includes(body))).toEqual([]);
    // It may ask about one whose verdict was late, too.
    const sentAt = new Map(events.of('sent').map(({ body, at }) => [body, at]));
    const inTime = events.of('check').filter(({ body, bornTimestamp }) => {
      return !unknown.includes(String(body)) && sentAt.get(body)! - Number(bornTimestamp) < LATE_VERDICT_MS;
    });
    expect(inTime).toEqual([]);
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
