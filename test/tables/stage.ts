// Provides what the rows of Apache's own test suite run on here: a broker in this process whose clock is turned by hand, or a
// running cluster.
import { setTimeout as wait } from 'node:timers/promises';
import { startBroker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { ClientOptions } from '@nest-rocketmq/client';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../interop/harness/cluster.js';

export interface Stage {
  /** A client like that of a process of its own; `end` shuts it down. */
  newClient(): Promise<RocketMQClient>;
  now(): number;
  /** Whether time stands still while the broker works, so that nothing it does is late. */
  readonly isVirtual: boolean;
  /** Lets time pass until the condition holds; fails after `atMost` ms. */
  until(what: string, condition: () => boolean, atMost?: number): Promise<void>;
  /** Lets so much time pass, ms. */
  pass(ms: number): Promise<void>;
  end(): Promise<void>;
}

/** Lengths of the delay levels on both. */
export const DELAY_LEVELS = '1s 2s 3s 4s';
const PATIENCE_MS = 60_000;
const STEP_MS = 20;

/** How soon clients look for what has changed, ms: the defaults only cost time. */
const BRISK: Partial<ClientOptions> = {
  pollNameServerInterval: 1_000,
  heartbeatBrokerInterval: 1_000,
  persistConsumerOffsetInterval: 1_000,
};

/** Our broker in this process: an hour costs next to nothing. */
export async function virtualStage(): Promise<Stage> {
  const clock = new ManualClock();
  const broker = await startBroker({
    store: 'memory',
    clock,
    messageDelayLevel: DELAY_LEVELS,
    transactionTimeOut: 3_000,
    transactionCheckInterval: 1_000,
  });
  const pass = (ms: number): Promise<void> => clock.advance(ms);
  const options = { ...BRISK, nameServer: broker.nameServerAddress, dial: broker.dial, clock };
  return stage(options, { isVirtual: true, now: () => clock.now(), pass, end: () => broker.stop() });
}

/** A running cluster, whoever's. It is not ended by `end`. */
export function stageOn(cluster: Cluster): Stage {
  return stage(
    { ...BRISK, nameServer: cluster.nameServer },
    { isVirtual: false, now: () => Date.now(), pass: (ms) => wait(ms), end: () => Promise.resolve() },
  );
}

function stage(options: ClientOptions, time: Pick<Stage, 'isVirtual' | 'now' | 'pass' | 'end'>): Stage {
  const clients: RocketMQClient[] = [];
  return {
    ...time,
    async newClient() {
      const client = new RocketMQClient(options);
      clients.push(client);
      await client.start();
      return client;
    },
    async until(what, condition, atMost = PATIENCE_MS) {
      const began = time.now();
      while (!condition()) {
        if (time.now() - began > atMost) throw new Error(`waited ${atMost} ms in vain for: ${what}`);
        await time.pass(STEP_MS);
      }
    },
    async end() {
      await Promise.all(clients.map((client) => client.shutdown()));
      await time.end();
    },
  };
}
