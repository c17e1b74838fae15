// Provides what the rows of Apache's own test suite run on here: a broker in this process whose clock is turned by hand, or a
// running cluster.
import { setTimeout as wait } from 'node:timers/promises';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { ClientOptions } from '@nest-rocketmq/client';
import {
  Connections,
  ManualClock,
  dialTcp,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Dial, HeaderOf, Reply, RequestRow } from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../interop/harness/cluster.js';

export interface Stage {
  /** A client like that of a process of its own; `end` shuts it down. @param dial default: the stage's own */
  newClient(dial?: Dial): Promise<RocketMQClient>;
  readonly dial: Dial;
  /** Asks the broker itself, as tools do. */
  ask<Row extends RequestRow>(row: Row, header: HeaderOf<Row>, body?: Buffer): Promise<Reply<Row>>;
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
  // The default of 3 s is little for a JVM on a busy machine.
  mqClientApiTimeout: 20_000,
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
export function stageOn(
  { nameServer }: Pick<Cluster, 'nameServer'>,
  end = (): Promise<void> => Promise.resolve(),
): Stage {
  return stage({ ...BRISK, nameServer }, { isVirtual: false, now: () => Date.now(), pass: (ms) => wait(ms), end });
}

/** Three brokers of ours behind one name server, reached over TCP: time passes by itself. */
export async function threeBrokersStage(): Promise<Stage> {
  const listen = '127.0.0.1:0';
  const first = await startBroker({ store: 'memory', listen, nameServerListen: listen });
  const namesrvAddr = first.nameServerAddress;
  const join = (brokerName: string): Promise<Broker> =>
    startBroker({ store: 'memory', brokerName, listen, nameServerListen: false, namesrvAddr });
  const others = [await join('broker-b'), await join('broker-c')];
  return stageOn({ nameServer: namesrvAddr }, async () => {
    for (const broker of [...others, first]) await broker.stop();
  });
}

function stage(options: ClientOptions, time: Pick<Stage, 'isVirtual' | 'now' | 'pass' | 'end'>): Stage {
  const clients: RocketMQClient[] = [];
  const { dial = dialTcp, clock = systemClock } = options;
  const connections = new Connections({ clock, logger: silentLogger, handlers: handlerTable(), dial });
  return {
    ...time,
    async ask(row, header, body) {
      const { brokerAddrTable } = await clients[0]!.admin.clusterInfo();
      const connection = await connections.get(brokerAddrTable.get('broker-a')!.brokerAddrs.get(0)!);
      return connection.request(row, header, body && { body });
    },
    dial,
    async newClient(dialOfClient = dial) {
      const client = new RocketMQClient({ ...options, dial: dialOfClient });
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
      connections.closeAll();
      await time.end();
    },
  };
}
