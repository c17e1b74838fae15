// Tells what became of each message of a batch.
import { BatchSendFailedError } from './batch-errors.js';
import type { BatchFailure } from './batch-errors.js';
import type { OutgoingMessage, SendResult } from '../options/producer-options.js';

/** Collects results and failures as they come, and puts them into the order of the messages. */
export class BatchResults {
  readonly #messages: readonly OutgoingMessage[];
  readonly #results: (SendResult | undefined)[];
  readonly #failures = new Map<number, unknown>();

  constructor(messages: readonly OutgoingMessage[]) {
    this.#messages = messages;
    this.#results = Array.from({ length: messages.length }, () => undefined);
  }

  store(index: number, result: SendResult): void {
    this.#results[index] = result;
  }

  fail(index: number, error: unknown): void {
    this.#failures.set(index, error);
  }

  /** @throws BatchSendFailedError unless each message has a result */
  all(): SendResult[] {
    const results: SendResult[] = [];
    const failures: BatchFailure[] = [];
    for (const [index, result] of this.#results.entries()) {
      if (result) results.push(result);
      else failures.push({ index, message: this.#messages[index]!, error: this.#failures.get(index) });
    }
    if (failures.length > 0) throw new BatchSendFailedError(this.#results, failures);
    return results;
  }
}

/**
 * The result of each message of a request. The messages are stored one after the other in one queue. A broker that keeps a batch
 * as one (Apache's BatchCQ topics) answers with one offsetMsgId for all.
 * @param msgIds of the messages
 */
export function resultsOf(sent: SendResult, msgIds: readonly string[]): SendResult[] {
  const offsetMsgIds = sent.offsetMsgId.split(',');
  const isEach = offsetMsgIds.length === msgIds.length;
  return msgIds.map((msgId, index) => ({
    ...sent,
    msgId,
    offsetMsgId: isEach ? offsetMsgIds[index]! : sent.offsetMsgId,
    queueOffset: sent.queueOffset < 0 ? sent.queueOffset : sent.queueOffset + index,
  }));
}
