// Measures how soon a new group has its first message, and its first retry, on our broker and on Apache's.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { PushConsumerOptions } from '@nest-rocketmq/client';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { startOurBroker } from './harness/our-broker.js';
import { SEND_TIMEOUT_MS } from './client/peer.js';
import { declareResetTests } from './client/resetting.js';
import { Load, SCALE_QUEUES, scaleOurs } from './client/scaling.js';
import { ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { isLong } from './harness/long.js';
import { declareBalanceTests, declareBroadcastTests } from '../tables/sharing.js';
import { stageOn } from '../tables/stage.js';
import type { Stage } from '../tables/stage.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const FIRST_MESSAGE_MS = 500;
/** For rounds until one is fast enough: the first ones meet a cold JVM, and others may take the processor from some. ms */
const PATIENCE_MS = 60_000;
/** The level of a first retry, shorter than Apache's 10 s: whoever looks for the retry topic only now and then is late. */
const FIRST_RETRY_LEVEL_MS = 2_000;
/** Some 30 calls are under way at each moment; without a handover, those of the queues that move come again. */
const MOST_TWICE = 4;
/** What a long run is for: the comparison. */
const note = (line: string): void => void (isLong && process.stdout.write(`${line}\n`));
const settings = { messageDelayLevel: '1s 1s 2s' };

/** The least ms that a round takes. Goes on until that is below the limit, or patience ends. */
async function least(limit: number, round: (number: number) => Promise<number>): Promise<number> {
  let best = Infinity;
  const end = performance.now() + PATIENCE_MS;
  for (let number = 0; best >= limit && performance.now() < end; number++) best = Math.min(best, await round(number));
  return best;
}

describe.each<[string, () => Promise<Cluster>]>([
  ["Apache's", () => startApache({ settings })],
  ['our', () => startOurBroker({ settings })],
])('on %s broker', (whose, start) => {
  let cluster: Cluster;
  let sender: RocketMQClient;
  const topic = 'existing';
  beforeAll(async () => {
    cluster = await start();
    sender = new RocketMQClient({ nameServer: cluster.nameServer });
    await sender.start();
    await sender.admin.createTopic({ topic, queues: 4 });
    const producer = sender.createProducer({ group: 'sharing_producer', sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    await producer.send({ topic, body: 'first' });
  });
  afterAll(async () => {
    await sender?.shutdown();
    await cleanUp();
  });

  /** Runs a group of a client of its own, with Apache's defaults, until the listener says that it is over. */
  async function group(name: string, listener: (end: () => void) => PushConsumerOptions['listener']): Promise<void> {
    const client = new RocketMQClient({ nameServer: cluster.nameServer });
    const subscriptions = [{ topic }];
    await new Promise<void>((resolve, reject) => {
      const options = { group: name, subscriptions, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' as const };
      client
        .createPushConsumer({ ...options, listener: listener(resolve) })
        .start()
        .catch(reject);
    });
    await client.shutdown();
  }

  test('a new group has the first message of an existing topic within 500 ms of its start', async () => {
    const took = await least(FIRST_MESSAGE_MS, async (round) => {
      const began = performance.now();
      let at = Infinity;
      await group(`first_${round}`, (end) => () => {
        at = Math.min(at, performance.now());
        end();
      });
      return at - began;
    });
    expect(took).toBeLessThan(FIRST_MESSAGE_MS);
  });

  test('T145, T146, T147: a member joins and one stops, under load: nothing is lost, and hardly anything comes twice', async () => {
    await sender.admin.createTopic({ topic: 'scale_ours', queues: SCALE_QUEUES });
    const { sent, distinct, twiceAtJoin, twice } = await scaleOurs(cluster, sender, 'scale_ours');
    note(`ours on ${whose}: of ${sent} messages ${twice} came twice, ${twiceAtJoin} of them at the join`);
    expect(distinct).toBe(sent);
    expect(twice).toBeLessThanOrEqual(MOST_TWICE);
  });

  declareResetTests(() => cluster);

  if (whose === "Apache's") {
    let stage: Stage;
    beforeAll(() => {
      stage = stageOn(cluster);
    });
    afterAll(() => stage.end());
    declareBroadcastTests(() => stage);
    declareBalanceTests(() => stage, isLong);
  }

  if (isLong) {
    test.each([0, 10_000])('for comparison: Java, whose shutdown waits %i ms', async (awaitTermination) => {
      const run = `java${awaitTermination}`;
      const scaled = `${run}_scale_topic`;
      await sender.admin.createTopic({ topic: scaled, queues: SCALE_QUEUES });
      const flags = [`-DawaitTermination=${awaitTermination}`];
      const java = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, run, ['scale'], flags);
      await java.line(/"event":"ready"/, 60_000);
      const load = await Load.on(sender, scaled);
      await java.line(/"event":"settled"/, 60_000);
      await load.stop();
      const events = await java.scenario('scale');
      const [distinct] = events.field<number>('counted', 'distinct');
      const [twice] = events.field<number>('counted', 'twice');
      const [twiceAtJoin] = events.field<number>('joined', 'twice');
      note(`Java on ${whose}: of ${load.sent} messages ${twice} came twice, ${twiceAtJoin} of them at the join`);
      expect(distinct).toBe(load.sent);
    });
  }

  test('the first retry of a new group comes when it is due', async () => {
    const limit = FIRST_RETRY_LEVEL_MS + 500;
    const took = await least(limit, async (round) => {
      const at: number[] = [];
      await group(`retry_${round}`, (end) => () => {
        at.push(performance.now());
        if (at.length === 1) throw new Error('later');
        end();
      });
      return at[1]! - at[0]!;
    });
    expect(took).toBeLessThan(limit);
  });
});
