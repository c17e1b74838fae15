// Runs steady traffic on a replicated cluster: a client and a Nest app send, and consume concurrently, in order and by polls.
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { Producer, PushConsumer, PushConsumerOptions } from '@nest-rocketmq/client';
import { RocketMQContext, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import type { ReplicatedCluster } from '../harness/replicated-cluster.js';
import { RequestLog } from '../harness/request-log.js';
import { MASTER_B } from '../harness/replicated-cluster.js';
import { SEND_TIMEOUT_MS } from './peer.js';
import { Arrivals, SteadyLoad } from './steady-load.js';

export const STEADY = 'steady';
export const ORDERED = 'ordered';
const KEYS = 4;
/** Senders of STEADY: so many sends are under way at most. */
export const LANES = 4;
const PATIENCE_MS = 60_000;
const POLL_MS = 50;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

/** What the Nest app was given. The app makes its listeners itself. */
const nestArrivals = { steady: new Arrivals(), ordered: new Arrivals() };

class Listeners {
  @RocketMQMessageListener({ topic: STEADY, consumerGroup: 'nest_steady', payload: 'string', ...FIRST })
  onSteady(_body: string, { message }: RocketMQContext): void {
    nestArrivals.steady.add(message);
  }

  @RocketMQMessageListener({
    topic: ORDERED,
    consumerGroup: 'nest_ordered',
    payload: 'string',
    consumeMode: 'ORDERLY',
    ...FIRST,
  })
  onOrdered(_body: string, { message }: RocketMQContext): void {
    nestArrivals.ordered.add(message);
  }
}

export class ReplicatedTraffic {
  readonly load = new SteadyLoad();
  /** Sends to the master that stays alone: its longest gap is how long the machine, or that broker, stood still. */
  readonly control = new SteadyLoad();
  readonly requests = new RequestLog();
  readonly client: RocketMQClient;
  /** Of groups that consume STEADY, and ORDERED. */
  readonly steady: Record<string, Arrivals> = {};
  readonly ordered: Record<string, Arrivals> = {};
  #app: TestingModule | undefined;
  readonly #polls: Promise<void>[] = [];
  #ended = false;

  constructor(readonly cluster: ReplicatedCluster) {
    // Another cluster has other messages at the same places.
    nestArrivals.steady = this.steady['nest'] = new Arrivals();
    nestArrivals.ordered = this.ordered['nest'] = new Arrivals();
    this.client = new RocketMQClient({
      nameServer: cluster.nameServer,
      dial: this.requests.dial,
      pollNameServerInterval: 1_000,
      persistConsumerOffsetInterval: 1_000,
      // A lock lapses after half as long again, as Java's does after 30 s of its 20 s.
      rebalanceLockInterval: 2_000,
    });
  }

  /** Starts the consumers. */
  async start(): Promise<void> {
    Logger.overrideLogger(['error']);
    const { nameServer } = this.cluster;
    this.#app = await Test.createTestingModule({
      imports: [
        RocketMQModule.forRoot({ nameServer, group: 'nest_app', producer: { sendMsgTimeout: SEND_TIMEOUT_MS } }),
      ],
      providers: [Listeners],
    }).compile();
    await this.#app.init();
    await this.client.start();
    await this.consume('steady');
    await this.poll('lite');
    await this.consume('ordered', { consumeMode: 'ORDERLY' });
  }

  async beginSending(): Promise<void> {
    const producer = this.client.createProducer({ group: 'replicated_senders', sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    this.#send(producer, this.#app!.get(RocketMQTemplate));
  }

  /**
   * Starts a push consumer of a new group, or of one that has stopped.
   * @param member what this one is given, where it shares the group with others
   */
  async consume(group: string, options: Partial<PushConsumerOptions> = {}, member?: Arrivals): Promise<PushConsumer> {
    const isOrdered = options.consumeMode === 'ORDERLY';
    const arrivals = member ?? new Arrivals();
    if (!member) (isOrdered ? this.ordered : this.steady)[group] = arrivals;
    const consumer = this.client.createPushConsumer({
      group: `client_${group}`,
      subscriptions: [{ topic: isOrdered ? ORDERED : STEADY }],
      ...FIRST,
      ...options,
      listener: (messages) => messages.forEach((message) => arrivals.add(message)),
    });
    await consumer.start();
    return consumer;
  }

  /** Starts a consumer that polls. */
  async poll(group: string): Promise<void> {
    const arrivals = (this.steady[group] = new Arrivals());
    const consumer = this.client.createLitePullConsumer({
      group: `client_${group}`,
      subscriptions: [{ topic: STEADY }],
      ...FIRST,
    });
    await consumer.start();
    const loop = async (): Promise<void> => {
      while (!this.#ended) for (const message of await consumer.poll({ timeout: 500 })) arrivals.add(message);
    };
    this.#polls.push(loop());
  }

  /** Messages of a broker that were sent to STEADY, or to ORDERED. */
  of(topic: string, brokerName: string, since = 0): string[] {
    return this.load.of(brokerName, since).filter((body) => body.startsWith('key') === (topic === ORDERED));
  }

  /** Resolves when the condition holds; rejects after 60 s. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms: ${what}`);
      await wait(POLL_MS);
    }
  }

  async stopSending(): Promise<void> {
    await Promise.all([this.load.stop(), this.control.stop()]);
  }

  async end(): Promise<void> {
    await this.stopSending();
    this.#ended = true;
    await Promise.all(this.#polls);
    await this.client.shutdown();
    await this.#app?.close();
  }

  #send(producer: Producer, template: RocketMQTemplate): void {
    for (let lane = 1; lane < LANES; lane++) {
      this.load.begin(`client${lane}`, 15, (body) => producer.send({ topic: STEADY, body }));
    }
    const staying = { topic: STEADY, brokerName: MASTER_B, queueId: 0 };
    this.control.begin('control', 15, (body) => producer.send({ topic: STEADY, body }, { messageQueue: staying }));
    this.load.begin('nest', 15, (body) => template.send(STEADY, body));
    for (let key = 0; key < KEYS; key++) {
      const shardingKey = `key${key}`;
      this.load.begin(shardingKey, 30, (body) => producer.send({ topic: ORDERED, body }, { shardingKey }));
    }
  }
}
