// Starts a cluster of Apache's brokers: two masters, and a slave of the first one, which clients may read from.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RocketMQClient } from '@nest-rocketmq/client';
import { startApache, startApacheNameServer } from './apache.js';
import type { Cluster } from './cluster.js';
import { QUICK_START } from './jars.js';
import { freeBrokerPort } from './ports.js';
import { temporaryFolder } from './temporary.js';

/** Four JVMs on two cores. */
const HEAP = ['-Xms128m', '-Xmx384m', '-XX:MaxDirectMemorySize=256m', ...QUICK_START];
/** The body of messages that only ask whether the slave has them. */
export const PROBE = 'probe';
const PATIENCE_MS = 60_000;
const POLL_MS = 100;

export const MASTER_A = 'broker-a';
export const MASTER_B = 'broker-b';

type Part = 'a' | 'b' | 'slave';

const SETTINGS: Record<Part, Record<string, string>> = {
  // An acknowledged message is in the slave's log too. Since 5.0, a SYNC_MASTER waits for nobody without inSyncReplicas.
  a: { brokerName: MASTER_A, brokerRole: 'SYNC_MASTER', inSyncReplicas: '2', slaveTimeout: '1000' },
  b: { brokerName: MASTER_B, brokerRole: 'ASYNC_MASTER' },
  slave: { brokerName: MASTER_A, brokerRole: 'SLAVE', brokerId: '1' },
};

/**
 * The slave acts for its master while that is away: it serves offsets and locks, and passes on what is due to the other one.
 * A master of 5.5.0 that comes back asks it for the offsets, and never gets further, as its JSON parser refuses the answer:
 * hence skipPreOnline.
 */
const ACTING: Record<string, string> = {
  enableSlaveActingMaster: 'true',
  enableRemoteEscape: 'true',
  totalReplicas: '2',
  // A master that comes back waits for a slave that connects from the address where the slave's clients are.
  brokerIP2: '127.0.0.1',
};

export interface ReplicatedOptions {
  /** Whether the slave takes the place of its master. Default: it is only read from. */
  actingMaster?: boolean;
  /** Name servers, ours or Apache's, that the brokers register at; clients are told of the first one. Default: Apache's. */
  nameServers?: readonly string[];
}

export interface ReplicatedCluster {
  readonly nameServer: string;
  readonly masterA: Cluster;
  readonly masterB: Cluster;
  /** Of master A. */
  readonly slave: Cluster;
  /** Starts a master that has ended again: on its store, at its port. */
  restart(ended: Cluster): Promise<Cluster>;
}

/**
 * @param topics name -> queues. They are written into the settings of all three brokers beforehand: a slave asks its master
 * for topics and offsets only once a minute, the first time a minute after its start, and until then answers TOPIC_NOT_EXIST
 */
export async function startReplicatedCluster(
  topics: Record<string, number>,
  { actingMaster = false, nameServers }: ReplicatedOptions = {},
): Promise<ReplicatedCluster> {
  const all = nameServers ?? [await startApacheNameServer({ supportActingMaster: String(actingMaster) })];
  const nameServer = all[0]!;
  const namesrvAddr = all.join(';');
  const ports = { a: await freeBrokerPort(), b: await freeBrokerPort(), slave: await freeBrokerPort() };
  const start = (name: Part, store: string): Promise<Cluster> =>
    startApache({
      join: nameServer,
      at: { nameServer, brokerAddress: `127.0.0.1:${ports[name]}` },
      store,
      brokerHeap: HEAP,
      settings: {
        ...SETTINGS[name],
        ...(actingMaster && name !== 'b' && ACTING),
        ...(actingMaster && name === 'a' && { skipPreOnline: 'true' }),
        slaveReadEnable: 'true',
        // A registration that failed is made up for sooner than after 30 s.
        registerNameServerPeriod: '10000',
        namesrvAddr,
      },
    });
  const [masterA, masterB, slave] = await Promise.all([
    start('a', storeWith(topics)),
    start('b', storeWith(topics)),
    start('slave', storeWith(topics)),
  ]);
  const client = new RocketMQClient({ nameServer });
  await client.start();
  const topic = Object.keys(topics)[0]!;
  await untilRegistered(
    client,
    topic,
    [masterA, masterB, slave].map(({ brokerAddress }) => brokerAddress),
  );
  await untilReplicating(client, topic);
  await client.shutdown();
  const restart = ({ brokerAddress, store }: Cluster): Promise<Cluster> =>
    start(brokerAddress === masterA.brokerAddress ? 'a' : 'b', store);
  return { nameServer, masterA, masterB, slave, restart };
}

/** A store that has these topics, and no messages. */
function storeWith(topics: Record<string, number>): string {
  const store = join(temporaryFolder('apache-store'), 'store');
  mkdirSync(join(store, 'config'), { recursive: true });
  const topicConfigTable = Object.fromEntries(
    Object.entries(topics).map(([topicName, queues]) => [
      topicName,
      {
        topicName,
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: 6,
        topicFilterType: 'SINGLE_TAG',
        order: false,
      },
    ]),
  );
  const dataVersion = { counter: 1, stateVersion: 0, timestamp: Date.now() };
  writeFileSync(join(store, 'config/topics.json'), JSON.stringify({ dataVersion, topicConfigTable }));
  return store;
}

/** A broker may miss its first registration, and then tries again 10 s after its start. */
async function untilRegistered(client: RocketMQClient, topic: string, addresses: readonly string[]): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const route = await client.admin.topicRoute(topic);
    const known = new Set(route?.brokerDatas.flatMap(({ brokerAddrs }) => [...brokerAddrs.values()]));
    if (addresses.every((address) => known.has(address))) return;
    if (Date.now() > deadline)
      throw new Error(`of ${addresses.join()}, the route of ${topic} has ${[...known].join()}`);
    // A name server does not announce new routes: ask again.
    await wait(POLL_MS);
  }
}

/** The slave hears where its master is when it registers, and connects up to 5 s later. Until then the master waits in vain. */
export async function untilReplicating(client: RocketMQClient, topic: string): Promise<void> {
  const producer = client.createProducer({ group: 'replication_probe', retryTimesWhenSendFailed: 0 });
  await producer.start();
  const deadline = Date.now() + PATIENCE_MS;
  const messageQueue = { topic, brokerName: MASTER_A, queueId: 0 };
  for (;;) {
    const status = await producer.send({ topic, body: PROBE }, { messageQueue, timeout: 10_000 }).then(
      ({ sendStatus }) => sendStatus,
      (error: unknown) => String(error),
    );
    if (status === 'SEND_OK') break;
    // With enableSlaveActingMaster, a master that has no slave yet refuses at once.
    if (Date.now() > deadline) throw new Error(`the slave does not copy: ${status}`);
    await wait(POLL_MS);
  }
  await producer.shutdown();
}
