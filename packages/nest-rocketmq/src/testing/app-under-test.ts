// Keeps what a test knows of its app and of the brokers of the app's clusters.
import { SendFaults } from '@nest-rocketmq/broker/internal';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ManualClock, TurnOptions } from '@nest-rocketmq/remoting/internal';
import type { WatchedWork } from '../backends/embedded-options.js';
import { TestingNotWiredError } from '../testing-errors.js';
import type { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { JsonMessageConverter } from '../message/message-converter.js';
import { ClusterUnderTest, checkClusterName } from './cluster-under-test.js';
import type { ClusterScene, TestingOptions } from './cluster-under-test.js';
import { RocketMQFaults } from './faults.js';
import { IdleWork } from './idle-work.js';
import { RecordedDeliveries } from './recorded-deliveries.js';
import { RecordedMessages, decodeWith } from './recorded-messages.js';
import { TimeSkipper } from './time-skipper.js';

export class AppUnderTest {
  readonly deliveries = new RecordedDeliveries();
  readonly messages: RecordedMessages;
  readonly faults: RocketMQFaults;
  readonly skipper: TimeSkipper;
  readonly #clusters = new Map<string, ClusterUnderTest>();
  readonly #watched = new Set<WatchedWork>();
  readonly #scene: ClusterScene;

  constructor(readonly clock: ManualClock) {
    const converter = new JsonMessageConverter();
    const decode = decodeWith((cluster) => {
      const listeners = this.#clusters.get(cluster)?.listeners;
      return listeners?.underTest.options.messageConverter ?? converter;
    });
    this.messages = new RecordedMessages(
      decode,
      (cluster) => this.#clusters.get(cluster)?.listeners?.underTest.options.identity.namespace,
    );
    const sends = new SendFaults();
    this.faults = new RocketMQFaults(sends, (method, cluster) => this.clusters(`faults.${method}`, cluster));
    this.skipper = new TimeSkipper(clock, () => this.#whenIdle());
    this.#scene = {
      clock,
      faults: sends,
      onStored: (message, cluster) => this.messages.add(message, cluster),
      onAdopted: ({ name }, listeners) => this.#adopted(name, listeners),
      onWatched: (work) => void this.#watched.add(work),
      onStarting: () => this.#checkClusters(),
      // What is held back must not hold up the app.
      onClosing: () => this.faults.clear(),
    };
  }

  /** The cluster of that name, made at the first call. @throws InvalidOptionError for options that come too late */
  cluster(name: string, options?: TestingOptions): ClusterUnderTest {
    const known = this.#clusters.get(name);
    if (known && options !== undefined) {
      const allowed = `left out: the first call for cluster '${name}' has made its options`;
      throw new InvalidOptionError('options', options, allowed, 'RocketMQTesting.optionsOf');
    }
    const cluster = known ?? new ClusterUnderTest(checkClusterName(name), this.#scene, options ?? {});
    this.#clusters.set(name, cluster);
    return cluster;
  }

  /** One cluster, or all of them. @throws InvalidOptionError for one that the test does not know */
  clusters(method: string, name?: string): ClusterUnderTest[] {
    const all = [...this.#clusters.values()];
    if (name === undefined) return all;
    const found = this.#clusters.get(name);
    if (found) return [found];
    const names = all.map((each) => `'${each.name}'`).join(', ');
    const allowed = `a cluster of this testing: ${names}. testing.optionsOf(name) makes the options of another one`;
    throw new InvalidOptionError('cluster', name, allowed, `RocketMQTesting.${method}`);
  }

  /** @throws TestingNotWiredError */
  wired(method: string): this {
    if (this.#adoptedNames().length === 0) throw TestingNotWiredError.of(method);
    this.#checkClusters();
    return this;
  }

  /** Of one cluster, or of all that the app has. @throws TestingNotWiredError, InvalidOptionError */
  listeners(method: string, cluster?: string): RocketMQListeners[] {
    this.wired(method);
    return this.clusters(method, cluster).flatMap(({ listeners }) => listeners ?? []);
  }

  async settle(options?: TurnOptions): Promise<void> {
    const goOn = this.#whenIdle();
    do await this.clock.settle(options);
    while (goOn());
  }

  async checkTransactions(options?: TurnOptions): Promise<void> {
    await this.settle(options);
    for (const { broker } of this.#clusters.values()) await broker.checkTransactions();
    await this.settle(options);
  }

  async restart(cluster?: string): Promise<void> {
    await Promise.all(this.clusters('restartBroker', cluster).map((each) => each.restart()));
  }

  async reset(options?: TurnOptions): Promise<void> {
    this.faults.clear();
    await this.settle(options);
    for (const cluster of this.#clusters.values()) await cluster.discardAll();
    await this.settle(options);
    for (const listeners of this.listeners('reset')) listeners.underTest.explorer.forgetDone();
    this.messages.clear();
    this.deliveries.clear();
  }

  /** What a wait does when nothing is under way. @returns whether it has set something going */
  #whenIdle(): () => boolean {
    const work = new IdleWork(this.#watched);
    return () => this.faults.releaseHeld() || work.look();
  }

  #adopted(cluster: string, listeners: RocketMQListeners): void {
    listeners.holdBack = () => this.faults.holdBack(cluster);
    this.deliveries.watch(listeners, () => this.faults.delivered(cluster));
  }

  #adoptedNames(): string[] {
    return [...this.#clusters.values()].filter(({ listeners }) => listeners).map(({ name }) => name);
  }

  /** The rest of the app's clusters would be real ones. @throws TestingNotWiredError */
  #checkClusters(): void {
    const adopted = this.#adoptedNames();
    for (const name of adopted) {
      const { known } = this.#clusters.get(name)!.listeners!.underTest.options.cluster;
      const missing = known.filter((each) => !adopted.includes(each));
      if (missing.length > 0) throw TestingNotWiredError.ofClusters(missing);
    }
  }
}
