// Tests that Apache's gRPC client works on our broker through Apache's proxy as it does on Apache's broker: each scenario runs on both.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { startGrpcPeer, startProxy } from './harness/grpc.js';
import { inTime } from './harness/long.js';
import { mqadmin } from './harness/mqadmin.js';
import { startOurBroker } from './harness/our-broker.js';
import type { ScenarioEvents, ScenarioPeer } from './harness/scenario-peer.js';

jest.setTimeout(300_000);

const RUN = 'grpc';
const SCENARIOS = ['normal', 'fifo', 'delay', 'transaction', 'retry', 'simple', 'filter', 'exchange'];
/** Of a topic, by its scenario: the proxy refuses other messages in it. */
const MESSAGE_TYPES: Record<string, string> = { fifo: 'FIFO', delay: 'DELAY', transaction: 'TRANSACTION' };
/** How long the client's consumer waits for messages that do not come. ms */
const AWAITED_MS = 5_000;

const named = (scenario: string, name: string): string => `${RUN}_${scenario}_${name}`;

/** Topics with their types, and the orderly group: the gRPC client cannot create them. */
const commands = (broker: string): string[] => [
  ...SCENARIOS.filter((name) => name !== 'exchange').map(
    (name) =>
      `updateTopic -b ${broker} -t ${named(name, 'topic')} -r 4 -w 4 -a +message.type=${MESSAGE_TYPES[name] ?? 'NORMAL'}`,
  ),
  ...['to-grpc', 'from-grpc'].map((name) => `updateTopic -b ${broker} -t ${named('exchange', name)} -r 4 -w 4`),
  `updateSubGroup -b ${broker} -g ${named('fifo', 'group')} -o true`,
];

/** A cold JVM may take seconds from a half message to its commit, which is no reason to ask about it. */
const settings = { enablePropertyFilter: 'true', transactionTimeOut: '15000' };
const EXCHANGED = ['one ü 漢', 'three ü 漢', 'two ü 漢'];
const ofGroup = (bodies: readonly string[], group: number): string[] =>
  bodies.filter((body) => body.startsWith(`group-${group}/`));

const BROKERS: [string, (options: ClusterOptions) => Promise<Cluster>][] = [
  ["Apache's", startApache],
  ['our', startOurBroker],
];

describe.each(inTime(BROKERS, ([whose]) => whose !== 'our'))(
  "a gRPC client on Apache's proxy before %s broker",
  (_whose, start) => {
    let cluster: Cluster;
    let client: RocketMQClient;
    let peer: ScenarioPeer;
    const events = (scenario: string): Promise<ScenarioEvents> => peer.scenario(scenario);
    /** Before the other scenarios are over: this one waits for a minute. */
    const sendExchanged = async (): Promise<void> => {
      const producer = client.createProducer({ group: 'to-grpc', sendMsgTimeout: 20_000 });
      await producer.start();
      const topic = named('exchange', 'to-grpc');
      for (const body of EXCHANGED) {
        await producer.send({ topic, body, tags: 'tag', keys: ['key'], properties: { colour: 'blue' } });
      }
    };

    beforeAll(async () => {
      cluster = await start({ settings });
      await mqadmin(cluster.nameServer, commands(cluster.brokerAddress));
      const proxy = await startProxy(cluster.nameServer);
      peer = await startGrpcPeer(proxy.address, RUN, SCENARIOS);
      client = new RocketMQClient({ nameServer: cluster.nameServer });
      await client.start();
      await sendExchanged();
    });
    afterAll(async () => {
      await client?.shutdown();
      await cleanUp();
    });

    test('takes what it has sent, with tag, keys and properties', async () => {
      const normal = await events('normal');
      const bodies = Array.from({ length: 10 }, (_, at) => `body ü 漢 ${at}`);
      expect(normal.bodies('received').toSorted()).toEqual(bodies);
      expect(normal.field('received', 'id').toSorted()).toEqual(normal.field('sent', 'id').toSorted());
      for (const received of normal.of('received')) {
        expect(received).toMatchObject({ tag: 'tag', keys: 'k1 k2', properties: { colour: 'red' }, attempt: 1 });
      }
    });

    test('takes the messages of a message group in their order', async () => {
      const received = (await events('fifo')).bodies('received');
      for (const group of [0, 1]) {
        const expected = Array.from({ length: 10 }, (_, at) => `group-${group}/${2 * at + group}`);
        expect(ofGroup(received, group)).toEqual(expected);
      }
    });

    test('takes a delayed message when it is due, and not one that it has recalled', async () => {
      const delay = await events('delay');
      const [due] = delay.field<number>('sent', 'due');
      expect(delay.bodies('received')).toEqual(['delayed']);
      expect(delay.of('received')[0]!.at).toBeGreaterThanOrEqual(due!);
    });

    test('takes what its transactions commit, at once or when it is asked', async () => {
      const transaction = await events('transaction');
      expect(transaction.bodies('received').toSorted()).toEqual(['committed', 'undecided']);
      expect(new Set(transaction.bodies('checked'))).toEqual(new Set(['undecided']));
    });

    test('takes a refused message again, and knows which attempt it is', async () => {
      const retry = await events('retry');
      expect(retry.field<number>('received', 'attempt').slice(0, 3)).toEqual([1, 2, 3]);
    });

    test('acknowledges, leaves and changes the time of what a simple consumer receives; an empty answer comes in time', async () => {
      const simple = await events('simple');
      const received = simple.of('received').map(({ body, attempt }) => `${String(body)} ${String(attempt)}`);
      expect(received.toSorted()).toEqual(['acknowledged 1', 'changed 1', 'changed 2', 'left 1', 'left 2']);
      const timeOf = (what: string): number => simple.of('received')[received.indexOf(what)]!.at;
      expect(timeOf('changed 2')).toBeLessThan(timeOf('left 2'));
      const [empty] = simple.of('empty');
      expect(empty).toMatchObject({ received: 0 });
      expect(empty!['ms']).toBeLessThan(2 * AWAITED_MS);
    });

    test('takes what its tags or its SQL name', async () => {
      const filter = await events('filter');
      expect(filter.bodies('tags').toSorted()).toEqual(['a', 'b']);
      expect(filter.bodies('sql')).toEqual(['c']);
    });

    test('exchanges messages with a client of the remoting protocol', async () => {
      const bodies = EXCHANGED;
      const exchange = await events('exchange');
      expect(exchange.bodies('received').toSorted()).toEqual(bodies);
      expect(exchange.of('received')[0]).toMatchObject({ tag: 'tag', keys: 'key', properties: { colour: 'blue' } });
      const received: MessageExt[] = [];
      await new Promise<void>((resolve) => {
        const consumer = client.createPushConsumer({
          group: 'from-grpc',
          subscriptions: [{ topic: named('exchange', 'from-grpc') }],
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          listener: (messages) => {
            received.push(...messages);
            if (received.length === bodies.length) resolve();
          },
        });
        void consumer.start();
      });
      expect(received.map((message) => message.body.toString()).toSorted()).toEqual(bodies);
      for (const { properties } of received) {
        expect(['TAGS', 'KEYS', 'colour'].map((name) => properties.get(name))).toEqual(['tag', 'key', 'blue']);
      }
    });
  },
);
