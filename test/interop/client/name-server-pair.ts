// Has Apache's name server and ours know the same brokers, and compares what they say of them.
import { setTimeout as wait } from 'node:timers/promises';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { startApacheNameServer } from '../harness/apache.js';
import { ask } from '../harness/ask.js';
import type { Cluster } from '../harness/cluster.js';
import { startOurBroker } from '../harness/our-broker.js';

/** A broker that failed to register tries again 10 s later. */
const PATIENCE_MS = 60_000;
const POLL_MS = 100;
/** Of our process, which has a broker beside its name server. */
export const OUR_BROKER = 'broker-o';

interface Route {
  brokerDatas: {
    brokerName: string;
    cluster: string;
    brokerAddrs: Record<string, string>;
    enableActingMaster: boolean;
  }[];
  queueDatas: {
    brokerName: string;
    perm: number;
    readQueueNums: number;
    writeQueueNums: number;
    topicSysFlag: number;
  }[];
}

/** Broker name to its ids in a route. */
type Ids = Record<string, number[]>;

export class NameServerPair {
  private constructor(
    private readonly apache: string,
    private readonly ours: Cluster,
  ) {}

  /** Our broker is known to Apache's name server, too. */
  static async start(): Promise<NameServerPair> {
    const apache = await startApacheNameServer();
    const ours = await startOurBroker({ settings: { brokerName: OUR_BROKER, namesrvAddr: apache } });
    return new NameServerPair(apache, ours);
  }

  /** Apache's, then ours. */
  get addresses(): string[] {
    return [this.apache, this.ours.nameServer];
  }

  /** Resolves with the route once both name servers say the same, with these ids. */
  async untilBothKnow(topic: string, ids: Ids): Promise<Route> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const [apaches, ours] = await Promise.all(this.addresses.map((address) => routeOf(address, topic)));
      const agree =
        JSON.stringify(apaches) === JSON.stringify(ours) && JSON.stringify(idsOf(ours!)) === JSON.stringify(ids);
      if (agree) return ours!;
      if (Date.now() > deadline)
        throw new Error(
          `the route of ${topic} by Apache's: ${JSON.stringify(apaches)}, by ours: ${JSON.stringify(ours)}`,
        );
      await wait(POLL_MS);
    }
  }

  /** Takes the permission to write from a broker's routes. @returns the topics, as each name server counts them */
  async wipeWritePerm(brokerName: string): Promise<number[]> {
    const answers = this.addresses.map((address) => ask(address, Requests.WIPE_WRITE_PERM_OF_BROKER, { brokerName }));
    return (await Promise.all(answers)).map(({ header }) => header.wipeTopicCount!);
  }

  /** The same, back. */
  async addWritePerm(brokerName: string): Promise<number[]> {
    const answers = this.addresses.map((address) => ask(address, Requests.ADD_WRITE_PERM_OF_BROKER, { brokerName }));
    return (await Promise.all(answers)).map(({ header }) => header.addTopicCount!);
  }

  /** Kills our process. @returns the brokers that Apache's name server still has for the topic, once ours is gone */
  async killOurs(topic: string): Promise<string[]> {
    await this.ours.kill();
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const names = Object.keys(idsOf(await routeOf(this.apache, topic)));
      if (!names.includes(OUR_BROKER)) return names;
      if (Date.now() > deadline) throw new Error(`${OUR_BROKER} is still in the route of ${topic}`);
      await wait(POLL_MS);
    }
  }
}

async function routeOf(address: string, topic: string): Promise<Route> {
  const { body } = await ask(address, Requests.GET_ROUTEINFO_BY_TOPIC, { topic, acceptStandardJsonOnly: true });
  const { brokerDatas, queueDatas } = JSON.parse(body.toString()) as Route;
  const byName = (a: { brokerName: string }, b: { brokerName: string }): number =>
    a.brokerName < b.brokerName ? -1 : 1;
  return {
    brokerDatas: brokerDatas
      .map(({ brokerName, cluster, brokerAddrs, enableActingMaster }) => {
        const sorted = Object.entries(brokerAddrs).toSorted(([a], [b]) => Number(a) - Number(b));
        return { brokerName, cluster, brokerAddrs: Object.fromEntries(sorted), enableActingMaster };
      })
      .toSorted(byName),
    queueDatas: queueDatas
      .map(({ brokerName, perm, readQueueNums, writeQueueNums, topicSysFlag }) => {
        return { brokerName, perm, readQueueNums, writeQueueNums, topicSysFlag };
      })
      .toSorted(byName),
  };
}

function idsOf({ brokerDatas }: Route): Ids {
  return Object.fromEntries(
    brokerDatas.map(({ brokerName, brokerAddrs }) => [brokerName, Object.keys(brokerAddrs).map(Number)]),
  );
}
