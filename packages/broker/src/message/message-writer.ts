// Writes every message to the log, after the transformation that it needs: sends, retries, due messages, committed halves.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { DelayLevels } from './schedule-message.js';
import type { StoreStats } from '../metrics/store-stats.js';
import { PropertyScan } from './property-scan.js';
import { refused } from '../store/write/appender.js';
import type { AppendResult, MessageInner, MessageStore, PutStatus } from '../store/store.js';
import { observed } from './message-observer.js';
import type { MessageObserver } from './message-observer.js';
import type { TimerMessages } from './timer-message.js';
import { toHalf } from './half-message.js';

/** The store did not take a message. */
export class PutError extends RocketMQError<'PUT_FAILED'> {
  constructor(readonly status: string) {
    super(
      'PUT_FAILED',
      `the message was not stored: ${status}. See the log of the broker; what a client sends can be sent again`,
    );
  }
}

/** Whether the store would refuse the same message at any time. */
export const isRefusedForGood = (status: string): boolean =>
  status === 'MESSAGE_ILLEGAL' || status === 'PROPERTIES_SIZE_EXCEEDED' || status === 'WHEEL_TIMER_MSG_ILLEGAL';

export class MessageWriter {
  readonly #scan = new PropertyScan();

  constructor(
    private readonly store: MessageStore,
    private readonly levels: DelayLevels,
    private readonly timers: TimerMessages,
    private readonly stats: StoreStats,
    private readonly observer?: MessageObserver,
  ) {}

  /**
   * Takes a message of a producer: a half message waits for its verdict, one with a delay level or a time of its own
   * for that time. The message may be changed on the way. Nothing is stored for good before the store says so.
   * @param scan of the message's properties
   */
  send(message: MessageInner, scan: PropertyScan): AppendResult {
    // A half message is told of when it is committed.
    if (!this.observer || scan.transaction) return this.#send(message, scan);
    return observed(message, this.observer, () => this.#send(message, scan));
  }

  #send(message: MessageInner, scan: PropertyScan): AppendResult {
    message.tagsCode = scan.tagsCode;
    const delayed = scan.delayLevel > 0;
    const half = scan.transaction && !(message.reconsumeTimes > 0 && delayed);
    if (half || delayed || scan.hasTimer) {
      // Once it is due or committed, its own topic must be able to take it.
      const status = this.store.check(message);
      if (isRefusedForGood(status)) return this.#refuse(status);
    }
    if (!half) return this.#toItsTime(message, scan);
    if (scan.hasTimer && !delayed) {
      // When it is committed, its producer waits for no answer.
      const status = this.timers.check(message.properties);
      if (status !== 'PUT_OK') return this.#refuse(status);
    }
    toHalf(message);
    return this.#append(message);
  }

  /** Takes a message of one topic's batch, which can be neither delayed nor half. */
  sendBatch(messages: readonly MessageInner[]): AppendResult[] {
    if (this.observer) return this.#sendObserved(messages, this.observer);
    const results = this.store.appendBatch(messages);
    for (const result of results) this.#count(result);
    return results;
  }

  /** Takes a message of the broker's own making. It waits for its time if it has a delay level or a time of its own. */
  put(message: MessageInner): AppendResult {
    return this.observer ? observed(message, this.observer, () => this.#put(message)) : this.#put(message);
  }

  #put(message: MessageInner): AppendResult {
    const scan = this.#scan.scan(message.properties);
    message.tagsCode = scan.tagsCode;
    return this.#toItsTime(message, scan);
  }

  /** Takes a message whose time has come, or whose transaction was committed: into its own queue at last. */
  deliver(message: MessageInner): AppendResult {
    message.tagsCode = this.#scan.scan(message.properties).tagsCode;
    return this.#append(message);
  }

  /** Resolves when what the result tells of is stored as promised. @throws PutError */
  whenStored(result: AppendResult): Promise<void> {
    if (result.status !== 'PUT_OK') return Promise.reject(new PutError(result.status));
    const end = result.physicalOffset + result.size;
    return new Promise((resolve, reject) => {
      this.store.whenCommitted({ end, settle: (failure) => (failure ? reject(failure) : resolve()) });
    });
  }

  /** In a test, whose batches are short: one by one. */
  #sendObserved(messages: readonly MessageInner[], observer: MessageObserver): AppendResult[] {
    const results = this.store.appendBatch(messages).map((result) => ({ ...result }));
    for (const [at, result] of results.entries()) {
      this.#count(result);
      observed(messages[at]!, observer, () => result);
    }
    return results;
  }

  #toItsTime(message: MessageInner, scan: PropertyScan): AppendResult {
    if (scan.delayLevel > 0) this.levels.toScheduleMessage(message, scan.delayLevel);
    else if (scan.hasTimer) {
      const status = this.timers.toTimerMessage(message);
      if (status !== 'PUT_OK') return this.#refuse(status);
    }
    return this.#append(message);
  }

  #refuse(status: PutStatus): AppendResult {
    this.stats.refused();
    return refused(status);
  }

  #append(message: MessageInner): AppendResult {
    const result = this.store.append(message);
    this.#count(result);
    return result;
  }

  #count(result: AppendResult): void {
    if (result.status === 'PUT_OK') this.stats.appended(result);
    else this.stats.refused();
  }
}
