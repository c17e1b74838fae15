// Kills the broker and its name server while clients send and consume, and restarts them at the same address: the clients
// reconnect by themselves, and every acknowledged message arrives.
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Producer } from '@nest-rocketmq/client';
import { RocketMQError } from '@nest-rocketmq/remoting/internal';
import { newClient, SEND_TIMEOUT_MS } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { startOurBroker } from './harness/our-broker.js';
import { bodiesOf, OurReader } from './harness/our-reader.js';

// Two starts of a name server and a broker of Apache's, of a minute each on a very busy machine, and a recovery.
jest.setTimeout(600_000);
afterEach(cleanUp);

const TOPIC = 'killed';
const RECEIVED_BEFORE = 200;
const ACKNOWLEDGED_AFTERWARDS = 100;
const LINE_TIMEOUT_MS = 120_000;
const PAUSE_MS = 20;

type Start = (options?: ClusterOptions) => Promise<Cluster>;

interface Sending {
  /** Resolves when the first send was refused. */
  readonly refused: Promise<void>;
  /** All acknowledged bodies, once so many were acknowledged after the first refusal. */
  readonly acknowledged: Promise<string[]>;
}

/** Sends without a pause while it may. */
function sendThroughTheKill(producer: Producer): Sending {
  let isRefused = false;
  let refuse = (): void => undefined;
  const refused = new Promise<void>((resolve) => (refuse = resolve));
  const send = async (): Promise<string[]> => {
    const acknowledged: string[] = [];
    let afterwards = 0;
    for (let i = 0; afterwards < ACKNOWLEDGED_AFTERWARDS; i++) {
      const body = `killed-${i}`;
      try {
        await producer.send({ topic: TOPIC, body });
        acknowledged.push(body);
        if (isRefused) afterwards++;
      } catch (error) {
        expect(error).toBeInstanceOf(RocketMQError);
        isRefused = true;
        refuse();
        // The broker that is starting needs the CPU, too.
        await wait(PAUSE_MS);
      }
    }
    return acknowledged;
  };
  return { refused, acknowledged: send() };
}

test.each<[string, Start]>([
  ["Apache's", startApache],
  ['our', startOurBroker],
])('our client lives through a kill of %s broker', async (_whose, start) => {
  const before = await start();
  const client = newClient(before);
  await client.start();
  // With a shorter time, a slow broker would be taken for one that is killed.
  const producer = client.createProducer({
    group: 'killed_producer',
    retryTimesWhenSendFailed: 0,
    sendMsgTimeout: SEND_TIMEOUT_MS,
  });
  await producer.start();
  // A consumer that starts before its topic exists finds it only later.
  await producer.send({ topic: TOPIC, body: 'opened' });
  const reader = await OurReader.start(client, { group: 'killed_reader', subscriptions: [{ topic: TOPIC }] });

  const sending = sendThroughTheKill(producer);
  await reader.take(RECEIVED_BEFORE);
  await before.kill();
  await sending.refused;
  await start({ store: before.store, at: before });
  const acknowledged = await sending.acknowledged;
  const missing = (): string[] => {
    const received = new Set(bodiesOf(reader.received));
    return acknowledged.filter((body) => !received.has(body));
  };
  await reader.until(() => missing().length === 0, 'all that was acknowledged');
  await client.shutdown();
});

describe('the Java client', () => {
  test.each([ROCKETMQ_4, ROCKETMQ_5] as const)('%s lives through a kill of our broker', async (version) => {
    const before = await startOurBroker();
    const peer = await JavaPeer.start(version, before.nameServer, 'killed', ['survive']);
    await peer.line(/"event":"sent".*"body":"survive-200"/, LINE_TIMEOUT_MS);
    await before.kill();
    // It sends on when the broker is back, until it has had 100 answers after a refusal.
    await peer.line(/"event":"refused"/, LINE_TIMEOUT_MS);
    await startOurBroker({ store: before.store, at: before });
    const events = await peer.scenario('survive');
    const received = new Set(events.bodies('received'));
    expect(events.bodies('sent').filter((body) => !received.has(body))).toEqual([]);
    expect(events.of('refused')).toHaveLength(1);
  });
});
