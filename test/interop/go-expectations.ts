// Says what the scenarios of the Go peer must print that need nobody else, beside those that all peers have.
import { expect, test } from '@jest/globals';
import { DELAY_LEVELS_MS } from './harness/cluster.js';
import { numbered, sorted } from './harness/lists.js';
import { CLOCK_SLACK_MS, type Scenario, propertiesOf } from './peer-scenarios.js';

export function declareGoSendTests(scenario: Scenario): void {
  // It gives the messages of a batch no ids of its own.
  test('a batch arrives as single messages in one queue, with their own tags, keys and properties', async () => {
    const events = await scenario('batch');
    const sent = events.of('sent')[0]!;
    const received = events.of('received').sort((a, b) => Number(a.queueOffset) - Number(b.queueOffset));
    expect(received.map((message) => message.body)).toEqual(numbered('batch', 10));
    expect(received.map((message) => message.offsetMsgId)).toEqual(String(sent.offsetMsgId).split(','));
    expect(received[0]).toMatchObject({ queueId: sent.queueId, queueOffset: sent.queueOffset });
    const own = received.map(propertiesOf).map(({ TAGS, KEYS, index }) => `${TAGS} ${KEYS} ${index}`);
    expect(own).toEqual(Array.from({ length: 10 }, (_, i) => `tag-${i} key-${i} i-${i}`));
  });

  test('keys, tags, flag and user properties arrive', async () => {
    expect((await scenario('properties')).of('received')).toMatchObject([
      {
        body: 'properties ü 漢 😀',
        flag: 7,
        properties: {
          TAGS: 'TagA',
          KEYS: 'key1 key2',
          colour: 'blue = "ü"',
          quoted: '{"a": 1}',
          TRACE_ON: 'true',
          MSG_REGION: 'DefaultRegion',
        },
      },
    ]);
  });

  test('messages of one sharding key lie in one queue in their order', async () => {
    const received = (await scenario('sharding')).of('received');
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      const ofKey = received.filter(({ body }) => String(body).startsWith(key));
      expect(new Set(ofKey.map(({ queueId }) => queueId)).size).toBe(1);
      const inQueue = ofKey.toSorted((a, b) => Number(a.queueOffset) - Number(b.queueOffset));
      expect(inQueue.map(({ body }) => body)).toEqual(numbered(key, 3));
      expect(ofKey.map((message) => propertiesOf(message).SHARDING_KEY)).toEqual([key, key, key]);
    }
  });

  test.each(['domain', 'addresses'])('the name server is found: %s', async (name) => {
    expect((await scenario(name)).of('sent')).toMatchObject([{ body: 'found', status: 'SEND_OK' }]);
  });
}

export function declareGoConsumeTests(scenario: Scenario): void {
  test('a filter by SQL92 gets what it names and nothing else', async () => {
    expect(sorted((await scenario('sql')).bodies('received'))).toEqual(['sql-4', 'sql-6', 'sql-8']);
  });

  test('new groups begin at the first message while all are there, whatever they ask for', async () => {
    const received = (await scenario('from')).of('received');
    const all = [...numbered('early', 3), ...numbered('late', 3), 'fence'];
    for (const where of ['first', 'last', 'timestamp']) {
      const bodies = received.filter((message) => message.where === where).map(({ body }) => String(body));
      expect([where, sorted(bodies)]).toEqual([where, sorted(all)]);
    }
  });

  test('each member of a broadcasting group gets all messages', async () => {
    const received = (await scenario('broadcast')).of('received');
    for (const member of ['left', 'right']) {
      const bodies = received.filter((message) => message.member === member).map(({ body }) => String(body));
      expect(sorted(bodies)).toEqual(numbered('broadcast', 4));
    }
  });
}

export function declareGoRetryTests(scenario: Scenario): void {
  test('a failed message comes again after the level that its listener asks for', async () => {
    const consumed = (await scenario('level')).of('consumed');
    expect(consumed).toMatchObject([{ reconsumeTimes: 0 }, { reconsumeTimes: 1, properties: { DELAY: '2' } }]);
    expect(consumed[1]!.at - consumed[0]!.at).toBeGreaterThanOrEqual(DELAY_LEVELS_MS[1]! - CLOCK_SLACK_MS);
  });

  test('an orderly consumer gives a message up after its tries, and goes on', async () => {
    const events = await scenario('orderlyDead');
    expect(events.bodies('consumed')).toEqual(['poison', 'poison', 'poison', 'good']);
    expect(events.of('dead')).toMatchObject([{ body: 'poison', topic: expect.stringContaining('%DLQ%') }]);
  });
}

export function declareGoPullTests(scenario: Scenario): void {
  test('a pull consumer finds every message, and the next one of its group goes on where it was', async () => {
    const events = await scenario('pull');
    expect(events.bodies('pulled')).toEqual(numbered('pull', 10));
    expect(events.bodies('odd')).toEqual(numbered('pull', 10).filter((_body, i) => i % 2 === 1));
    expect(events.of('odd')[0]).toMatchObject({ min: 0, max: 10 });
  });

  test('a consumer that polls gets all messages', async () => {
    expect(sorted((await scenario('poll')).bodies('polled'))).toEqual(numbered('poll', 10));
  });
}

export function declareGoLaterTests(scenario: Scenario): void {
  test('a message comes at its own time, not sooner', async () => {
    const events = await scenario('timer');
    const received = events.of('received')[1]!;
    expect(received).toMatchObject({ body: 'timer-time', properties: { TIMER_OUT_MS: expect.any(String) } });
    expect(received.at).toBeGreaterThanOrEqual(events.field<number>('due', 'ms')[0]! - CLOCK_SLACK_MS);
  });

  test('queues that are assigned are polled from the offset of a time on', async () => {
    const events = await scenario('assign');
    expect(events.of('offset')).toMatchObject([{ offset: 3, queues: 1 }]);
    expect(events.bodies('polled')).toEqual(numbered('late', 3));
  });
}
