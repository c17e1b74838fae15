// Makes a fake cluster of one master and its replica, which has the same messages. A test takes the master away and back.
import { Permission, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { FakeBroker } from './fake-broker.js';
import { FakeCluster } from './fake-cluster.js';

export class ReplicatedCluster extends FakeCluster {
  #hasMaster = true;
  #acts = false;

  /** Topic t has one queue. */
  constructor() {
    super({ brokers: ['broker-a', 'replica'], topics: { t: 1 } });
    const routeOf = this.routeOf.bind(this);
    this.routeOf = (topic) => {
      const route = routeOf(topic);
      if (!route) return undefined;
      const replicas = new Map([
        ...(this.#hasMaster ? [[0, this.broker.address] as const] : []),
        [this.#acts ? 0 : 1, this.replica.address],
      ]);
      const [queues] = route.queueDatas;
      return {
        queueDatas: [{ ...queues!, ...(this.#acts && { perm: Permission.READ }) }],
        brokerDatas: [{ ...route.brokerDatas[0]!, brokerAddrs: replicas }],
      };
    };
  }

  get replica(): FakeBroker {
    return this.brokers[1]!;
  }

  /** Puts messages into queue 0 of topic t at both. */
  putBoth(...bodies: string[]): void {
    for (const broker of this.brokers) for (const body of bodies) broker.put('t', 0, body);
  }

  /** The master ends, and its name server has heard of it. */
  loseMaster(): void {
    this.#hasMaster = false;
    this.takeDown(this.broker.address);
    this.broker.releasePulls({ code: ResponseCode.PULL_NOT_FOUND });
  }

  /** The replica has the place of the master that is away, for reading. */
  replicaActs(): void {
    this.#acts = true;
  }

  masterIsBack(): void {
    this.#acts = false;
    this.#hasMaster = true;
    this.bringUp(this.broker.address);
  }

  /** A replica that has nothing behind this offset, while its master did: as Apache's answers. */
  lag(name: 'PULL_MESSAGE' | 'LITE_PULL_MESSAGE', offset: number): void {
    const header = { nextBeginOffset: offset, minOffset: 0, maxOffset: 0, suggestWhichBrokerId: 0 };
    for (let i = 0; i < 500; i++)
      this.replica.next(name, () => ({ code: ResponseCode.PULL_RETRY_IMMEDIATELY, header }));
  }
}
