// Writes every message to the log, after the transformation that it needs: sends, retries, due messages, committed halves.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { DelayLevels } from './schedule-message.js';
import type { StoreStats } from '../metrics/store-stats.js';
import { PropertyScan } from './property-scan.js';
import { refused } from '../store/write/appender.js';
import type { AppendResult, MessageInner, MessageStore } from '../store/store.js';
import { toHalf } from './half-message.js';

/** The store did not take a message. */
export class PutError extends RocketMQError<'PUT_FAILED'> {
  constructor(readonly status: string) {
    super('PUT_FAILED', `the message was not stored: ${status}. See the log of the broker, and send it again`);
  }
}

/** Whether the store would refuse the same message at any time. */
export const isRefusedForGood = (status: string): boolean =>
  status === 'MESSAGE_ILLEGAL' || status === 'PROPERTIES_SIZE_EXCEEDED';

export class MessageWriter {
  readonly #scan = new PropertyScan();

  constructor(
    private readonly store: MessageStore,
    private readonly levels: DelayLevels,
    private readonly stats: StoreStats,
  ) {}

  /**
   * Takes a message of a producer: a half message waits for its verdict, one with a delay level for its time. The
   * message may be changed on the way. Nothing is stored for good before the store says so.
   * @param scan of the message's properties
   */
  send(message: MessageInner, scan: PropertyScan): AppendResult {
    message.tagsCode = scan.tagsCode;
    const delayed = scan.delayLevel > 0;
    const half = scan.transaction && !(message.reconsumeTimes > 0 && delayed);
    if (half || delayed) {
      // It will go to its own topic one day.
      const status = this.store.check(message);
      if (isRefusedForGood(status)) return refused(status);
    }
    if (half) toHalf(message);
    else if (delayed) this.levels.toScheduleMessage(message, scan.delayLevel);
    return this.#append(message);
  }

  /** Takes a message of one topic's batch, which can be neither delayed nor half. */
  sendBatch(messages: readonly MessageInner[]): AppendResult[] {
    const results = this.store.appendBatch(messages);
    for (const result of results) this.#count(result);
    return results;
  }

  /** Takes a message of the broker's own making. It waits for its time if it has a delay level. */
  put(message: MessageInner): AppendResult {
    const scan = this.#scan.scan(message.properties);
    message.tagsCode = scan.tagsCode;
    if (scan.delayLevel > 0) this.levels.toScheduleMessage(message, scan.delayLevel);
    return this.#append(message);
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
