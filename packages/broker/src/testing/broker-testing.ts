// Lets a test see what a broker stores, fail its sends, check its transactions at once, and empty it.
import type { Clock, MessageQueue, RawHandler, RemotingServer } from '@nest-rocketmq/remoting/internal';
import type { LevelTimer } from '../delay/level-timer.js';
import type { StoredMessage } from '../message/message-observer.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { MessageStore } from '../store/store.js';
import type { MessageTimer } from '../timer/message-timer.js';
import type { PendingTimers } from '../timer/pending-timers.js';
import type { CheckBack } from '../transaction/check-back.js';
import type { HalfQueue } from '../transaction/half-queue.js';
import { SendFaults } from './send-faults.js';

/** The parts of a running broker that a test can reach. */
export interface PartsUnderTest {
  store: MessageStore;
  offsets: ConsumerOffsets;
  halves: HalfQueue;
  checkBack: CheckBack;
  levelTimer: LevelTimer;
  messageTimer: MessageTimer;
  pending: PendingTimers;
  server: RemotingServer;
}

/** Groups of the broker's own. */
const SYSTEM_GROUP = /^CID_RMQ_SYS_/;

/** Given to `startBrokerUnderTest`, also of the next broker when one is restarted. */
export class BrokerTesting {
  #parts: PartsUnderTest | undefined;

  /**
   * @param onStored is told of each message of a producer, each committed half, each retry and dead letter
   * @param faults what becomes of the next sends; brokers may share them
   * @param name of this broker among those that share them
   */
  constructor(
    readonly onStored: (message: StoredMessage) => void,
    private readonly faults = new SendFaults(),
    private readonly name?: string,
  ) {}

  /** Puts the faults before the handler of sends. */
  beforeSends(handler: RawHandler, clock: Clock): RawHandler {
    return this.faults.before(handler, clock, this.name);
  }

  /** The broker has made its parts. */
  connect(parts: PartsUnderTest): void {
    this.#parts = parts;
  }

  /** Closes all connections with the broker, as a network does. */
  dropConnections(): void {
    for (const connection of this.#parts?.server.connections ?? []) connection.close();
  }

  /** Asks the producers about each transaction that is open, however young. Resolves when they are asked. */
  async checkTransactions(): Promise<void> {
    await this.#parts?.checkBack.checkNow();
  }

  /** How many half messages have no verdict. */
  get openTransactions(): number {
    const { halves } = this.#parts ?? {};
    return halves ? [...openHalves(halves)].length : 0;
  }

  /** Gives up all that waits: delayed messages, retries, open transactions, and what groups have not consumed. */
  async discardAll(): Promise<void> {
    if (!this.#parts) return;
    const { store, halves, levelTimer, messageTimer, pending, offsets } = this.#parts;
    await store.drain();
    levelTimer.discard();
    pending.clear();
    messageTimer.wake();
    await Promise.all([...openHalves(halves)].map((offset) => halves.decide(offset)));
    for (const { topic, group, queues } of offsets.all()) {
      if (SYSTEM_GROUP.test(group)) continue;
      for (const queueId of queues.keys()) offsets.commit(group, topic, queueId, store.maxOffset(topic, queueId));
    }
  }

  /** Where the next message of a queue will stand. */
  endOf({ topic, queueId }: MessageQueue): number {
    return this.#parts?.store.maxOffset(topic, queueId) ?? 0;
  }
}

function* openHalves(halves: HalfQueue): Iterable<number> {
  for (let offset = halves.first; offset < halves.end; offset++) if (halves.isOpen(offset)) yield offset;
}
