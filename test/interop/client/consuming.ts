// Tests what our client's push consumers receive.
import { expect, test } from '@jest/globals';
import { DELAY_LEVELS_MS } from '../harness/cluster.js';
import { numbered, sorted } from '../harness/lists.js';
import { bodiesOf, OurReader, untilHolds } from '../harness/our-reader.js';
import { newClient, type Peer, QUEUES, read } from './peer.js';

/** The broker's clock may be read just before the client's. */
const CLOCK_SLACK_MS = 50;

export interface Allowances {
  /** As that of peer-scenarios.ts. */
  offsetMayGoBack: boolean;
}

export function declareConsumeTests(peer: Peer, { offsetMayGoBack }: Allowances): void {
  test('a subscription to two tags gets these and nothing else', async () => {
    const topic = 'ours_tags';
    for (const tags of ['TagA', 'TagC', undefined, 'TagB', 'TagA'])
      await peer.producer.send({ topic, body: `of ${tags}`, tags });
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const messageQueue = { topic, brokerName: 'broker-a', queueId };
      await peer.producer.send({ topic, body: 'last', tags: 'TagB' }, { messageQueue });
    }
    const received = await (await read(peer, topic, 'TagA || TagB')).take(3 + QUEUES);
    expect(sorted(bodiesOf(received))).toEqual(['last', 'last', 'last', 'last', 'of TagA', 'of TagA', 'of TagB']);
  });

  test('a failed message comes again, and after the last try lies in the dead letter queue', async () => {
    const topic = 'ours_retry';
    const group = 'ours_retry_group';
    const sent = await peer.producer.send({
      topic,
      body: 'poison',
      keys: 'key',
      tags: 'TagR',
      properties: { trace: 'x' },
    });
    await peer.producer.send({ topic, body: 'fails-once' });
    const failing = await OurReader.start(
      peer.client,
      { group, subscriptions: [{ topic }], maxReconsumeTimes: 2 },
      (message) =>
        message.body.toString() === 'poison' || message.reconsumeTimes === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS',
    );
    const tries = (body: string): number[] =>
      failing.received.filter((message) => message.body.toString() === body).map((message) => message.reconsumeTimes);
    await failing.until(() => tries('poison').length >= 3 && tries('fails-once').length >= 2, 'all tries');
    expect({ poison: tries('poison'), failsOnce: tries('fails-once') }).toEqual({
      poison: [0, 1, 2],
      failsOnce: [0, 1],
    });
    expect(new Set(failing.received.map((message) => message.topic))).toEqual(new Set([topic]));

    const dead = (
      await (
        await OurReader.start(peer.client, {
          group: `${group}_dead_reader`,
          subscriptions: [{ topic: `%DLQ%${group}` }],
        })
      ).take(1)
    )[0]!;
    expect(dead.msgId).toBe(sent.msgId);
    expect(Object.fromEntries(dead.properties)).toMatchObject({
      KEYS: 'key',
      TAGS: 'TagR',
      trace: 'x',
      RETRY_TOPIC: topic,
      ORIGIN_MESSAGE_ID: sent.offsetMsgId,
    });
  });

  test('a dead letter that fails comes again as itself, with its own count, and in its own group not at once', async () => {
    const topic = 'ours_dead';
    const group = 'ours_dead_group';
    const dead = `%DLQ%${group}`;
    await peer.producer.send({ topic, body: 'poison' });
    const own = await OurReader.start(
      peer.client,
      { group, subscriptions: [{ topic }, { topic: dead }], maxReconsumeTimes: 0 },
      () => 'RECONSUME_LATER',
    );
    await own.take(2);
    const other = await OurReader.start(
      peer.client,
      { group: `${group}_other`, subscriptions: [{ topic: dead }] },
      (message) => (message.reconsumeTimes === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS'),
    );
    await other.take(2);
    const seen = ({ received }: OurReader): string[] =>
      received.map((message) => `${message.topic} ${message.reconsumeTimes}`);
    expect(seen(other)).toEqual([`${dead} 0`, `${dead} 1`]);
    await own.stop();
    const letters = own.received.slice(1);
    expect(seen(own)).toEqual([`${topic} 0`, ...letters.map((_letter, times) => `${dead} ${times}`)]);
    const pauses = letters.slice(1).map(({ receivedAt }, index) => receivedAt - letters[index]!.receivedAt);
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(DELAY_LEVELS_MS[0]! - CLOCK_SLACK_MS);
  });

  test('a group that comes back gets what was sent meanwhile and nothing twice', async () => {
    const topic = 'ours_offsets';
    for (const body of numbered('before', 8)) await peer.producer.send({ topic, body });
    const first = await read(peer, topic);
    expect(sorted(bodiesOf(await first.take(8)))).toEqual(numbered('before', 8));
    await first.stop();
    const meanwhile = numbered('meanwhile', 8);
    for (const body of meanwhile) await peer.producer.send({ topic, body });
    const second = await read(peer, topic);
    await second.until(() => meanwhile.every((body) => bodiesOf(second.received).includes(body)), 'what was sent');
    const again = bodiesOf(second.received).filter((body) => offsetMayGoBack && body.startsWith('before-'));
    expect(sorted(bodiesOf(second.received).filter((body) => !again.includes(body)))).toEqual(meanwhile);
  });
}

export function declareShareTest(peer: Peer): void {
  test('two consumers share the queues, and the one that stays takes over the rest', async () => {
    const topic = 'ours_share';
    const options = { group: 'ours_share_group', subscriptions: [{ topic }] };
    await peer.producer.send({ topic, body: 'first' });
    const left = await OurReader.start(peer.client, options);
    const otherClient = newClient(peer.cluster);
    await otherClient.start();
    const right = await OurReader.start(otherClient, options);
    const seen = (): string[] => bodiesOf([...left.received, ...right.received]);
    const sendToEachQueue = async (body: string): Promise<void> => {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        await peer.producer.send(
          { topic, body: `${body}-${queueId}` },
          { messageQueue: { topic, brokerName: 'broker-a', queueId } },
        );
      }
    };
    const queuesOf = (reader: OurReader, prefix: string): number[] =>
      sorted([
        ...new Set(
          reader.received
            .filter((message) => message.body.toString().startsWith(prefix))
            .map((message) => message.queueId),
        ),
      ]);

    const sendAndAwait = async (prefix: string): Promise<void> => {
      await sendToEachQueue(prefix);
      const all = (): boolean => new Set(seen().filter((body) => body.startsWith(`${prefix}-`))).size === QUEUES;
      await untilHolds([left, right], all, `all of ${prefix}`);
    };

    const areShared = (prefix: string): boolean =>
      [left, right].every((reader) => queuesOf(reader, `${prefix}-`).length === QUEUES / 2);
    // Only messages show who has which queue, so they are sent until the two share them. Twice: the one may still get messages
    // of the queues that it is giving away.
    for (let round = 0; !areShared(`round-${round - 2}`) || !areShared(`round-${round - 1}`); round++)
      await sendAndAwait(`round-${round}`);
    await sendAndAwait('both');
    expect(sorted([...queuesOf(left, 'both'), ...queuesOf(right, 'both')])).toEqual([0, 1, 2, 3]);
    expect(queuesOf(right, 'both')).toHaveLength(QUEUES / 2);

    await right.stop();
    await otherClient.shutdown();
    await sendToEachQueue('alone');
    await left.until(() => queuesOf(left, 'alone').length === QUEUES, 'all queues at the one left');
  });
}
