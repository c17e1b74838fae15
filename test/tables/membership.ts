// Holds what Apache's own tests of offsets that are not there (table 5.8) and of heartbeats (5.9) hold for client and
// broker together.
import { expect, test } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { RefusingDial } from './refusing-dial.js';
import { numbered, passing, topicOf } from './topic.js';
import { Reader } from './reader.js';
import type { Stage } from './stage.js';

/** SYSTEM_ERROR: a group of producers that is not there. */
const NOBODY = ResponseCode.SYSTEM_ERROR;

/** @param tellsOfNoOffset whether the broker says so: those before 5.0 may answer 0 */
export function declareMembershipTests(stageOf: () => Stage, tellsOfNoOffset = true): void {
  if (tellsOfNoOffset) declareNoOffsetTest(stageOf);

  test('T116: nothing is consumed while offsets cannot be read, and all of it once they can', async () => {
    const stage = stageOf();
    const { topic, send } = await topicOf(stage, 'T116');
    const bodies = numbered('T116', 12);
    for (const body of bodies) await send({ body });
    const refusing = new RefusingDial(stage.dial, Requests.QUERY_CONSUMER_OFFSET.code);
    const client = await stage.newClient(refusing.dial);
    const reader = await Reader.start(stage, { group: 'T116_reader', topic, consumeMode: 'CONCURRENTLY', client });
    await stage.until('several refusals', () => refusing.refused >= 8);
    expect(reader.got).toEqual([]);
    refusing.refusing = false;
    await stage.until('all', () => reader.got.length === bodies.length);
    expect(reader.bodies.toSorted()).toEqual(bodies.toSorted());
  });

  test('T153: heartbeats make producers and consumers known, and a shutdown makes them unknown', async () => {
    const stage = stageOf();
    const { topic, producer, client, read } = await topicOf(stage, 'T153');
    await producer.send({ topic, body: 'x' });
    const reader = await read();
    const consumers = (): Promise<{ code: number; body: Buffer }> =>
      stage.ask(Requests.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'T153_reader' });
    const producers = (): Promise<{ code: number; body: Buffer }> =>
      stage.ask(Requests.GET_PRODUCER_CONNECTION_LIST, { producerGroup: 'T153_producer' });
    expect((await consumers()).body.toString()).toContain(reader.client.clientId);
    expect((await producers()).body.toString()).toContain(client.clientId);
    await passing(stage, 'the shutdowns', Promise.all([reader.stop(), producer.shutdown()]));
    expect((await consumers()).code).toBe(ResponseCode.CONSUMER_NOT_ONLINE);
    expect((await producers()).code).toBe(NOBODY);
  });
}

function declareNoOffsetTest(stageOf: () => Stage): void {
  test('T117: a group without offsets is told so, and begins at the first message when it says so', async () => {
    const stage = stageOf();
    const { topic, client, queues, send } = await topicOf(stage, 'T117');
    const bodies = numbered('T117', 12);
    for (const body of bodies) await send({ body });
    const group = 'T117_reader';
    const asked = await stage.ask(Requests.QUERY_CONSUMER_OFFSET, {
      consumerGroup: group,
      topic,
      queueId: 0,
      setZeroIfNotFound: false,
    });
    expect(asked.code).toBe(ResponseCode.QUERY_NOT_FOUND);
    expect(await client.admin.consumerOffset(group, queues[0]!)).toBeUndefined();
    const reader = await Reader.start(stage, { group, topic, consumeMode: 'CONCURRENTLY' });
    await stage.until('all', () => reader.got.length === bodies.length);
    expect(reader.bodies.toSorted()).toEqual(bodies.toSorted());
  });
}
