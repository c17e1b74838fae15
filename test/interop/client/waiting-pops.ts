// Tests what brokers make of the times and expressions of pops, and of requests to be told of messages.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  Connections,
  Requests,
  ResponseCode,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Connection, HeaderOf, Reply } from '@nest-rocketmq/remoting/internal';
import { type RocketMQVersion, has } from '../harness/versions.js';
import type { Peer } from './peer.js';

const PLACE = { consumerGroup: 'waiting_poppers', topic: 'waiting_pops', queueId: -1 };
/** Longest wait that a request asks for, ms. */
const POLL = 1_500;
const PATIENCE_MS = 60_000;

type Pop = typeof Requests.POP_MESSAGE;
type Notification = typeof Requests.NOTIFICATION;

/** @param version of Apache's broker; ours knows what 5.5.0 does */
export function declareWaitingPopTests(peer: Peer, version: RocketMQVersion): void {
  const connections = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });
  // Our broker closes a connection on which nothing is sent.
  const connected = (): Promise<Connection> => connections.get(peer.cluster.brokerAddress);
  beforeAll(() => peer.client.admin.createTopic({ topic: PLACE.topic, queues: 1 }));
  afterAll(() => connections.closeAll());
  const pop = async (more: Partial<HeaderOf<Pop>>): Promise<Reply<Pop>> => {
    const header = { ...PLACE, maxMsgNums: 1, invisibleTime: PATIENCE_MS, pollTime: POLL, bornTime: 0, initMode: 0 };
    return (await connected()).request(Requests.POP_MESSAGE, { ...header, ...more }, { timeout: PATIENCE_MS });
  };
  const notify = async (more: Partial<HeaderOf<Notification>>): Promise<boolean | undefined> => {
    const header = { ...PLACE, pollTime: POLL, bornTime: 0, ...more };
    const asked = (await connected()).request(Requests.NOTIFICATION, header, { timeout: PATIENCE_MS });
    const { header: said } = await asked;
    return said.hasMsg;
  };

  test('T090 pops and notifications without the time of their birth wait from when they came', async () => {
    const began = performance.now();
    const [popped, hasMsg] = await Promise.all([pop({}), notify({})]);
    expect([popped.code, hasMsg]).toEqual([ResponseCode.POLLING_TIMEOUT, false]);
    expect(performance.now() - began).toBeGreaterThan(POLL / 2);
  });

  if (has(version, 'pops that are over when they come'))
    test('T090 those that were born too long ago, or before the epoch, do not wait', async () => {
      const long = 3_600_000;
      for (const bornTime of [-long, Date.now() - 2 * long]) {
        const times = { bornTime, pollTime: long };
        expect([(await pop(times)).code, await notify(times)]).toEqual([ResponseCode.POLLING_TIMEOUT, false]);
      }
    });

  if (has(version, 'notifications by tag'))
    test('T090 notifications tell of messages with the tags that are asked for', async () => {
      await peer.producer.send({ topic: PLACE.topic, tags: 'b', body: 'x' });
      // A message is answered before it stands in its queue, and Apache's broker does not tell when it does.
      const queue = { topic: PLACE.topic, brokerName: 'broker-a', queueId: 0 };
      while ((await peer.client.admin.maxOffset(queue)) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      const asked = { pollTime: 0, expType: 'TAG' };
      const told = [await notify({ ...asked, exp: 'a || c' }), await notify({ ...asked, exp: 'a || b' })];
      expect(told).toEqual([false, true]);
      expect(await notify({ pollTime: 0, expType: 'SQL92', exp: "TAGS = 'a'" })).toBe(true);
    });
}
