// Owns the broker inside the app's own process. The only file besides testing/ that knows the broker's package, which it
// loads when it is started: an app on a cluster never does.
import { join, resolve } from 'node:path';
import type { Broker, BrokerOptions } from '@nest-rocketmq/broker';
import type { Clock, Dial, Logger } from '@nest-rocketmq/remoting';
import type { RocketMQBackend } from './backend.js';
import { InvalidOptionError, NotRunningError, StoreInUseError } from './errors.js';
import { checkKeys, checkMethods } from './option-checks.js';

const EMBEDDED_OPTIONS = [
  'autoCreateTopicEnable',
  'brokerName',
  'clock',
  'clusterName',
  'deleteWhen',
  'fileReservedTime',
  'flush',
  'listen',
  'mappedFileSizeCommitLog',
  'maxMessageSize',
  'messageDelayLevel',
  'nameServerListen',
  'store',
  'transactionCheckInterval',
  'transactionCheckMax',
  'transactionTimeOut',
] as const satisfies readonly (keyof BrokerOptions)[];

/** Options of the embedded broker, with Apache's names and defaults where Apache has them. */
export type EmbeddedOptions = Pick<BrokerOptions, (typeof EMBEDDED_OPTIONS)[number]>;

const CLOCK_METHODS = ['now', 'monotonic', 'setTimeout', 'clearTimeout'] as const satisfies readonly (keyof Clock)[];

/** Below the working directory. */
export const DEFAULT_STORE = '.rocketmq';
export const MEMORY_STORE = 'memory';

export class EmbeddedBackend implements RocketMQBackend {
  readonly name = 'embedded';
  readonly clock: Clock | undefined;
  /** With the messages that they count: they end, or move, with the store. */
  readonly localOffsetStoreDir: string;
  readonly dial: Dial = (address) => this.#running().dial(address);
  readonly #options: EmbeddedOptions;
  readonly #store: string;
  readonly #logger: Logger;
  #broker: Broker | undefined;

  /** @throws InvalidOptionError for an option that an embedded broker does not have */
  constructor(options: EmbeddedOptions, logger: Logger) {
    checkKeys('embedded', options, EMBEDDED_OPTIONS);
    const store: unknown = options.store ?? DEFAULT_STORE;
    if (typeof store !== 'string' || store === '') {
      throw new InvalidOptionError('embedded.store', store, `a directory, or '${MEMORY_STORE}'`);
    }
    if (options.clock !== undefined) checkMethods('embedded.clock', options.clock, CLOCK_METHODS);
    this.#options = options;
    this.#store = store === MEMORY_STORE ? store : resolve(store);
    this.localOffsetStoreDir = store === MEMORY_STORE ? MEMORY_STORE : join(this.#store, 'broadcasting');
    this.#logger = logger;
    this.clock = options.clock;
  }

  async start(): Promise<string> {
    const { startBroker, StoreLockedError } = await import('@nest-rocketmq/broker');
    try {
      this.#broker = await startBroker({ ...this.#options, store: this.#store, logger: this.#logger });
    } catch (cause) {
      if (cause instanceof StoreLockedError) throw new StoreInUseError(this.#store, cause.pid, { cause });
      throw cause;
    }
    this.#announce(this.#broker);
    return this.#broker.nameServerAddress;
  }

  async stop(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    await broker?.stop();
  }

  #running(): Broker {
    if (this.#broker) return this.#broker;
    throw new NotRunningError('the embedded broker is not running: it starts with the app and stops after it.');
  }

  #announce(broker: Broker): void {
    const stored =
      this.#store === MEMORY_STORE ? 'in memory: messages end with the process' : `stored in ${this.#store}`;
    this.#logger.log(`embedded broker, ${stored}`);
    if (!this.#options.listen) return;
    this.#logger.log(
      `embedded broker listens: name server ${broker.nameServerAddress}, broker ${broker.brokerAddress}; ` +
        `other processes join with { nameServer: '${broker.nameServerAddress}' }`,
    );
  }
}
