// Sets up a broker in memory and clients whose streams to it run through faulty links, on a clock that the test turns.
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker, BrokerOptions } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { ClientOptions } from '@nest-rocketmq/client';
import { ManualClock, duplexPair, silentLogger } from '@nest-rocketmq/remoting/internal';
import { Random } from '../crash/random.js';
import { FaultyLinks } from './faulty-links.js';
import type { Fault } from './faulty-links.js';

const START = Date.UTC(2026, 2, 1);
/** After this, whatever was asked has ended, and whoever was cut off has recovered: beyond a held pull's time-out too. ms */
const ALL_ENDED_MS = 180_000;
/** Longer than any time-out of a client, also that of a pull which brokers hold. ms */
const LATE_MS = 60_000;
const STEP_MS = 1_000;
/** A client waits 30 s for its listener's calls, which end at once here; the rest are requests of 3 s. ms */
const LONGEST_SHUTDOWN_MS = 30_000;

export class Stage {
  readonly clock = new ManualClock(START);
  readonly random: Random;
  readonly links: FaultyLinks;
  readonly #clients = new Set<RocketMQClient>();

  private constructor(
    seed: number,
    readonly broker: Broker,
    clock: ManualClock,
  ) {
    this.clock = clock;
    this.random = new Random(seed);
    this.links = new FaultyLinks({ clock, random: this.random, late: LATE_MS });
  }

  static async open(seed: number, options: BrokerOptions = {}): Promise<Stage> {
    const clock = new ManualClock(START);
    const broker = await startBroker({ store: 'memory', clock, logger: silentLogger, ...options });
    return new Stage(seed, broker, clock);
  }

  newClient(options: Partial<ClientOptions> = {}): RocketMQClient {
    const { clock, broker } = this;
    const dial = async (address: string) => {
      const server = await broker.dial(address);
      const [near, far] = duplexPair();
      this.links.join(far, server);
      return near;
    };
    const nameServer = broker.nameServerAddress;
    const client = new RocketMQClient({ nameServer, dial, clock, logger: silentLogger, ...options });
    this.#clients.add(client);
    return client;
  }

  /** Lets the fault befall the next requests with this code: one to three. */
  arm(fault: Fault, code: number): void {
    this.links.arm(fault, code, this.random.integer(1, 3));
  }

  /** Turns the clock until it is so. */
  async until(what: string, holds: () => boolean, atMost = ALL_ENDED_MS): Promise<void> {
    for (let passed = 0; !holds(); passed += STEP_MS) {
      if (passed >= atMost) throw new Error(`waited ${atMost} ms: ${what}`);
      await this.clock.advance(STEP_MS);
    }
  }

  /** Turns the clock until the promise has settled. */
  async settled<T>(promise: Promise<T>, what = 'it ends', atMost = ALL_ENDED_MS): Promise<PromiseSettledResult<T>> {
    let result: PromiseSettledResult<T> | undefined;
    void Promise.allSettled([promise]).then(([one]) => (result = one));
    await this.clock.advance(0);
    await this.until(what, () => result !== undefined, atMost);
    return result!;
  }

  /** As `settled`, for what must not fail. */
  async done<T>(promise: Promise<T>, what?: string): Promise<T> {
    const result = await this.settled(promise, what);
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }

  async shutdown(client: RocketMQClient): Promise<void> {
    this.#clients.delete(client);
    await this.settled(client.shutdown(), 'the client shuts down', LONGEST_SHUTDOWN_MS);
  }

  /** Ends everything. @returns what is left of it, in words */
  async close(): Promise<string[]> {
    for (const client of this.#clients) await this.shutdown(client);
    const { open } = this.links;
    this.links.close();
    await this.settled(this.broker.stop(), 'the broker stops');
    const { pending } = this.clock;
    return [...(open > 0 ? [`${open} streams`] : []), ...(pending > 0 ? [`${pending} timers`] : [])];
  }
}
