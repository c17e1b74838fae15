// Reads one queue of the revive topic, and makes messages visible again that were popped and not acknowledged in time.
import { DecodeError, decodeRecords } from '@nest-rocketmq/remoting/internal';
import type { Clock, EventLog, MessageExt, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { MessageStore } from '../store/store.js';
import { REVIVE_GROUP, decodeRevive, originKey, reviveTimeOf } from './checkpoint.js';
import type { Checkpoint } from './checkpoint.js';
import type { InFlight } from './in-flight.js';
import type { Reviver } from './reviver.js';

/** Messages of the revive topic that are read at a time, and bytes of them. */
const READ_AT_ONCE = 256;
const READ_BYTES_AT_ONCE = 1_048_576;
/** Checkpoints that wait for their time in memory, from which on those that are due go first. */
const MOST_WAITING = 10_000;
/** Pause before it is tried again what has failed, or waits for another part of the broker, ms. */
const RETRY_DELAY = 100;

export interface ReviveQueueDeps {
  store: MessageStore;
  offsets: ConsumerOffsets;
  inFlight: InFlight;
  reviver: Reviver;
  clock: Clock;
  log: EventLog;
  reviveTopic: string;
  brokerName: string;
  messageTimer: { deliveredUntil(now: number): number };
}

/** A checkpoint whose time has not come, or that is not dealt with. */
interface Waiting {
  readonly checkpoint: Checkpoint;
  /** Of the checkpoint in the revive topic. */
  readonly queueOffset: number;
  /** Position of its record in the log. */
  readonly position: number;
  readonly acknowledged: Set<number>;
}

export class ReviveQueue {
  /** By `originKey`, in the order of the queue. */
  readonly #waiting = new Map<string, Waiting>();
  #next: number;
  /** The latest time of delivery of what was read, ms since the epoch. */
  #readUntil = 0;
  #timer: TimerHandle | undefined;
  #working: Promise<void> | undefined;
  #isWorking = false;
  #again = false;
  #running = false;

  constructor(
    private readonly deps: ReviveQueueDeps,
    private readonly queueId: number,
  ) {
    const { offsets, reviveTopic } = deps;
    // As Apache's brokers save it: the last checkpoint that is dealt with.
    this.#next = offsets.query(REVIVE_GROUP, reviveTopic, queueId) + 1;
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.deps.clock.clearTimeout(this.#timer);
    await this.#working;
  }

  /** Looks at what has come, and at what is due. */
  wake(): void {
    if (!this.#running) return;
    this.#again = true;
    // The work itself may lead here before it has returned its promise.
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#work();
  }

  async #work(): Promise<void> {
    const { clock, log } = this.deps;
    const ended = clock.busy?.('the revival of messages that were not acknowledged');
    let failed = false;
    try {
      while (this.#again && this.#running) {
        this.#again = false;
        await this.#reviveDue(await this.#read());
      }
    } catch (error) {
      failed = true;
      const reason = error instanceof Error ? error.message : String(error);
      log.say('warn', 'late revivals', `messages that were not acknowledged come late: ${reason}`);
    } finally {
      ended?.();
    }
    this.#isWorking = false;
    this.#arm(failed);
  }

  #arm(failed: boolean): void {
    const { clock } = this.deps;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#running) return;
    if (this.#again) return this.wake();
    const now = clock.now();
    let first = Infinity;
    for (const { checkpoint } of this.#waiting.values()) first = Math.min(first, reviveTimeOf(checkpoint));
    if (failed || first <= now) this.#timer = clock.setTimeout(() => this.wake(), RETRY_DELAY);
    else if (first < Infinity)
      this.#timer = clock.setTimeout(() => this.wake(), first - now, 'the return of popped messages');
  }

  /**
   * Reads on in the queue.
   * @returns until when all acknowledgements have been read, ms since the epoch
   */
  async #read(): Promise<number> {
    const { store, reviveTopic, clock, messageTimer } = this.deps;
    // An acknowledgement that was taken in time may be on its way to the disk, or to this queue.
    await store.drain();
    const delivered = messageTimer.deliveredUntil(clock.now());
    for (;;) {
      const found = await store.getMessage(reviveTopic, this.queueId, this.#next, READ_AT_ONCE, READ_BYTES_AT_ONCE);
      if (found.count === 0 && found.nextBeginOffset === this.#next) return delivered;
      for (const buffer of found.body) this.#take(buffer);
      this.#next = found.nextBeginOffset;
      // What comes is due later and later: after a long pause the first need not wait until all is read.
      if (this.#waiting.size < MOST_WAITING || this.#dueBy(this.#readUntil - 1).length === 0) continue;
      this.#again = true;
      return Math.min(delivered, this.#readUntil - 1);
    }
  }

  #take(buffer: Buffer): void {
    for (const message of decoded(buffer)) {
      const read = decodeRevive(message);
      if (!read) continue;
      this.#readUntil = Math.max(this.#readUntil, Number(message.properties.get('TIMER_DELIVER_MS') ?? 0) || 0);
      if ('checkpoint' in read) {
        const { queueOffset, physicalOffset: position } = message;
        const waiting = { checkpoint: read.checkpoint, queueOffset, position, acknowledged: new Set<number>() };
        this.#waiting.set(originKey(read.checkpoint), waiting);
      } else {
        // Old brokers did not name themselves.
        const brokerName = read.ack.brokerName || this.deps.brokerName;
        const waiting = this.#waiting.get(originKey({ ...read.ack, brokerName }));
        for (const offset of read.ack.offsets) waiting?.acknowledged.add(offset);
      }
    }
  }

  /** @param known until when all acknowledgements are known, ms since the epoch */
  async #reviveDue(known: number): Promise<void> {
    const { inFlight, reviver } = this.deps;
    const due = this.#dueBy(known);
    for (const [key, { checkpoint, position, acknowledged }] of due) {
      const lost = checkpoint.offsets.filter((offset) => !acknowledged.has(offset));
      await reviver.revive(checkpoint, lost, position);
      inFlight.end(checkpoint);
      this.#waiting.delete(key);
      if (!this.#running) break;
    }
    if (due.length > 0) this.#commit();
  }

  #dueBy(time: number): [key: string, waiting: Waiting][] {
    return [...this.#waiting].filter(([, { checkpoint }]) => reviveTimeOf(checkpoint) <= time);
  }

  #commit(): void {
    const { offsets, reviveTopic } = this.deps;
    let done = this.#next - 1;
    for (const { queueOffset } of this.#waiting.values()) done = Math.min(done, queueOffset - 1);
    if (done >= 0) offsets.commit(REVIVE_GROUP, reviveTopic, this.queueId, done);
  }
}

/** A damaged record is passed over: it names no message. */
function decoded(buffer: Buffer): MessageExt[] {
  try {
    return decodeRecords(buffer, { inflate: false });
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
