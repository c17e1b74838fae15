// Runs a broker inside the app's own process. The broker's package is loaded when it starts: an app on a cluster never
// loads it.
import { join, resolve } from 'node:path';
import type { Broker, FileSystem } from '@nest-rocketmq/broker';
import { ConnectError, NotRunningError, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Clock, Dial, Logger } from '@nest-rocketmq/remoting/internal';
import type { RocketMQBackend } from './backend.js';
import { DEFAULT_STORE, MEMORY_STORE, TESTING_HOOKS, checkEmbedded } from './embedded-options.js';
import type { CheckedEmbeddedOptions, EmbeddedOptions, TestingHooks, WatchedWork } from './embedded-options.js';
import { StoreInUseError } from '../errors.js';
import { hold, waitForHolder } from './store-holders.js';
import type { Hold } from './store-holders.js';
import { BROKER_ON_MANUAL_CLOCK, SMALL_INDEX, isManual } from '../manual-clock-settings.js';

/** A broker inside the app's own process. The option `embedded` makes one; so does an app without any backend option. */
export class EmbeddedBackend implements RocketMQBackend {
  readonly name = 'embedded';
  readonly clock: Clock | undefined;
  /** Inside the store: these offsets are deleted, or moved, together with the messages that they count. */
  readonly localOffsetStoreDir: string;
  readonly dial: Dial = async (address, given) => this.#running(address).dial(address, given);
  readonly #options: Omit<CheckedEmbeddedOptions, typeof TESTING_HOOKS>;
  readonly #hooks: TestingHooks | undefined;
  /** Of a store in memory, which outlives a restart. */
  #files: FileSystem | undefined;
  readonly #store: string;
  readonly #logger: Logger;
  #broker: Broker | undefined;
  #hold: Hold | undefined;

  /** @throws InvalidOptionError for an unknown option or a wrong value */
  constructor(options: EmbeddedOptions, logger: Logger) {
    const { [TESTING_HOOKS]: hooks, ...checked } = checkEmbedded(options);
    this.#options = checked;
    this.#hooks = hooks;
    const store = options.store ?? DEFAULT_STORE;
    this.#store = store === MEMORY_STORE ? store : resolve(store);
    this.localOffsetStoreDir = store === MEMORY_STORE ? MEMORY_STORE : join(this.#store, 'broadcasting');
    this.#logger = logger;
    this.clock = options.clock;
    hooks?.attached(this);
  }

  /**
   * Starts the broker and resolves with its name server.
   * @throws StoreInUseError when another process, or another app of this one, holds the store
   * @throws StoreError when the store cannot be opened
   */
  async start(): Promise<string> {
    const { StoreLockedError } = await import('@nest-rocketmq/broker');
    await this.#waitForClosingApp();
    const held = this.#inMemory ? undefined : hold(this.#store);
    try {
      this.#broker = await this.#startBroker();
      this.#hold = held;
    } catch (cause) {
      held?.release();
      if (cause instanceof StoreLockedError) throw new StoreInUseError(this.#store, cause.pid, { cause });
      throw cause;
    }
    this.#announce(this.#broker);
    return this.#broker.nameServerAddress;
  }

  stopping(): void {
    this.#hold?.closing();
    this.#hooks?.closing();
  }

  /** @internal */
  adopt(listeners: object): void {
    this.#hooks?.adopt(listeners);
  }

  /** @internal */
  watch(work: WatchedWork): void {
    this.#hooks?.watch(work);
  }

  /** @internal */
  discovering(): void {
    this.#hooks?.starting();
  }

  /** Stops the broker, and starts it again on the same store. @internal */
  async restart(): Promise<void> {
    const broker = this.#running('the embedded broker');
    this.#broker = undefined;
    await broker.stop();
    this.#broker = await this.#startBroker();
  }

  async #startBroker(): Promise<Broker> {
    const options = {
      ...(isManual(this.clock) && BROKER_ON_MANUAL_CLOCK),
      ...this.#options,
      store: this.#store,
      logger: this.#logger,
    };
    const { startBroker, memoryFileSystem } = await import('@nest-rocketmq/broker');
    if (!this.#hooks) return startBroker(options);
    const { clock = systemClock } = this;
    if (this.#inMemory) this.#files ??= memoryFileSystem(() => clock.now());
    const files = this.#files && { ...SMALL_INDEX, fileSystem: this.#files };
    return (await this.#hooks.startBroker({ ...options, ...files })) as Broker;
  }

  async stop(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    try {
      await broker?.stop();
    } finally {
      this.#hold?.release();
    }
  }

  get #inMemory(): boolean {
    return this.#store === MEMORY_STORE;
  }

  async #waitForClosingApp(): Promise<void> {
    if (this.#inMemory) return;
    await waitForHolder(this.#store, systemClock, () =>
      this.#logger.log(`waiting for the store ${this.#store}: another app of this process is closing it`),
    );
  }

  /** @throws ConnectError to a client that dials while it restarts; NotRunningError */
  #running(address: string): Broker {
    if (this.#broker) return this.#broker;
    if (this.#files) throw new ConnectError(address, 'the broker restarts');
    throw new NotRunningError('the embedded broker', 'not running', 'It starts and stops with the app');
  }

  #announce(broker: Broker): void {
    const stored = this.#inMemory
      ? 'in memory: its messages are gone when the process ends'
      : `stored in ${this.#store}`;
    this.#logger.log(`embedded broker, ${stored}`);
    if (!this.#options.listen) return;
    this.#logger.log(
      `embedded broker listens: name server ${broker.nameServerAddress}, broker ${broker.brokerAddress}; ` +
        `other processes join with { nameServer: '${broker.nameServerAddress}' }`,
    );
  }
}
