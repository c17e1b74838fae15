// Keeps what a test knows of one cluster of its app: the broker, and the parts of the app that work with it.
import { BrokerTesting, startBrokerUnderTest } from '@nest-rocketmq/broker/internal';
import type { SendFaults, StoredMessage } from '@nest-rocketmq/broker/internal';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ManualClock } from '@nest-rocketmq/remoting/internal';
import { TESTING_HOOKS } from '../backends/embedded-options.js';
import type { EmbeddedOptions, TestingHooks, WatchedWork } from '../backends/embedded-options.js';
import type { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { TestingNotWiredError } from '../testing-errors.js';
import { ClusterClock } from './cluster-clock.js';

/** Options of `rocketMQTesting`: those of `RocketMQModule.forRoot`, without the choice of backend and clock. */
export type TestingOptions = Omit<RocketMQModuleOptions, 'nameServer' | 'backend' | 'embedded'> & {
  embedded?: Omit<EmbeddedOptions, 'clock' | typeof TESTING_HOOKS>;
};

/** What the clusters of an app share in a test. */
export interface ClusterScene {
  readonly clock: ManualClock;
  readonly faults: SendFaults;
  onStored(message: StoredMessage, cluster: string): void;
  /** The app's listeners of the cluster are there. */
  onAdopted(cluster: ClusterUnderTest, listeners: RocketMQListeners): void;
  /** The app has work that waits outside of its brokers. */
  onWatched(work: WatchedWork): void;
  /** The app begins to start. @throws TestingNotWiredError */
  onStarting(): void;
  onClosing(): void;
}

export class ClusterUnderTest {
  readonly broker: BrokerTesting;
  /** For forRoot. */
  readonly options: RocketMQModuleOptions;
  #listeners: RocketMQListeners | undefined;
  #backend: { restart(): Promise<void> } | undefined;

  constructor(
    readonly name: string,
    private readonly scene: ClusterScene,
    given: TestingOptions,
  ) {
    const { clock, faults } = scene;
    this.broker = new BrokerTesting((message) => scene.onStored(message, name), faults, name);
    const embedded: EmbeddedOptions = {
      store: 'memory',
      ...given.embedded,
      clock: name === DEFAULT_CLUSTER ? clock : new ClusterClock(clock, name),
      [TESTING_HOOKS]: this.#hooks(),
    };
    this.options = { ...given, embedded };
  }

  /** undefined before the app's module is compiled. */
  get listeners(): RocketMQListeners | undefined {
    return this.#listeners;
  }

  async restart(): Promise<void> {
    await this.#backend?.restart();
  }

  /** Empties the broker, and has the app go on behind what is there. */
  async discardAll(): Promise<void> {
    await this.broker.discardAll();
    await this.#listeners?.skipToEnd((queue) => this.broker.endOf(queue));
  }

  #hooks(): TestingHooks {
    return {
      startBroker: (given) => startBrokerUnderTest(given, this.broker),
      attached: (backend) => void (this.#backend = backend),
      adopt: (listeners) => this.#adopt(listeners as RocketMQListeners),
      watch: (work) => this.scene.onWatched(work),
      starting: () => this.scene.onStarting(),
      closing: () => this.scene.onClosing(),
    };
  }

  #adopt(listeners: RocketMQListeners): void {
    const { name } = listeners.underTest.options.cluster;
    if (name !== this.name) throw TestingNotWiredError.ofOther(name, this.name);
    this.#listeners = listeners;
    this.scene.onAdopted(this, listeners);
  }
}

/** @throws InvalidOptionError */
export function checkClusterName(cluster: unknown): string {
  if (typeof cluster === 'string' && cluster !== '') return cluster;
  throw new InvalidOptionError('cluster', cluster, "the name of a cluster, as in forRoot({ name: 'billing' })");
}
