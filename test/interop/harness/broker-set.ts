// Starts two masters of Apache's and a replica of the first, all with one name server.
import { startApache } from './apache.js';
import type { Cluster } from './cluster.js';
import { freePort } from './ports.js';

/** Three brokers share the machine with the tests. */
const HEAP = ['-Xms128m', '-Xmx512m', '-XX:MaxDirectMemorySize=256m'];

export interface BrokerSet {
  readonly first: Cluster;
  readonly second: Cluster;
  readonly replica: Cluster;
  /** Starts the first master again, on its store and at its address. */
  restartFirst(): Promise<Cluster>;
}

export async function startBrokerSet(): Promise<BrokerSet> {
  const second = await startApache({ brokerHeap: HEAP, settings: { brokerName: 'broker-b' } });
  const join = second.nameServer;
  const haPort = String(await freePort());
  const settings = { brokerName: 'broker-a', brokerRole: 'ASYNC_MASTER', haListenPort: haPort };
  const first = await startApache({ join, brokerHeap: HEAP, settings });
  const replica = await startApache({
    join,
    brokerHeap: HEAP,
    settings: { brokerName: 'broker-a', brokerRole: 'SLAVE', brokerId: '1', haMasterAddress: `127.0.0.1:${haPort}` },
  });
  return {
    first,
    second,
    replica,
    restartFirst: () => startApache({ join, brokerHeap: HEAP, settings, store: first.store, at: first }),
  };
}
