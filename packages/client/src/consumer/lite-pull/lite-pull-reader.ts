// Hands the messages of a consumer that pulls to its application: to one poll or one loop at a time, since whoever asks for
// the next message says that the last one is consumed.
import { endsWithin, sleep } from '@nest-rocketmq/remoting/internal';
import type { Clock, MessageExt } from '@nest-rocketmq/remoting/internal';
import { integerIn } from '../../config/options.js';
import { ConsumeReturnType } from '../../trace/trace-record.js';
import type { ConsumeHooks } from '../consume/consume-hooks.js';
import type { ConsumerTrace } from '../consume/consumer-trace.js';
import type { LitePullBuffer } from './lite-pull-buffer.js';
import { PollInProgressError } from './lite-pull-errors.js';
import { MessageIterator } from './lite-pull-iterator.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';

const LONGEST_POLL_MS = 3_600_000;
const MOST_MESSAGES = 65_535;

/** How long a poll waits, and for how many messages. */
export interface PollOptions {
  /** How long to wait for a first message, ms; 0: not at all. Default: pollTimeoutMillis. */
  timeout?: number;
  /** Messages at most. Default: pullBatchSize. */
  max?: number;
}

export interface LitePullReaderParts {
  clock: Clock;
  options: ResolvedLitePullOptions;
  buffer: LitePullBuffer;
  /** Told what is handed out. */
  trace?: ConsumerTrace | undefined;
  hooks?: ConsumeHooks | undefined;
}

export class LitePullReader {
  readonly #parts: LitePullReaderParts;
  #busy = false;
  /** A loop works on a message. */
  #inHand = false;
  #whenPutDown: (() => void) | undefined;
  #closed = false;

  constructor(parts: LitePullReaderParts) {
    this.#parts = parts;
  }

  /** @throws PollInProgressError, InvalidOptionError */
  async poll({ timeout, max }: PollOptions): Promise<MessageExt[]> {
    const { pollTimeoutMillis, pullBatchSize } = this.#parts.options;
    const ms = integerIn('timeout', timeout, pollTimeoutMillis, 0, LONGEST_POLL_MS, ' (ms)');
    const most = integerIn('max', max, pullBatchSize, 1, MOST_MESSAGES);
    this.#enter();
    try {
      return await this.#take(most, ms);
    } finally {
      this.#busy = false;
    }
  }

  /** @throws PollInProgressError */
  iterate(): MessageIterator {
    this.#enter();
    const ending = new AbortController();
    return new MessageIterator({
      next: async () => {
        this.#inHand = false;
        const [message] = await this.#take(1, Infinity, ending.signal);
        if (!ending.signal.aborted) this.#inHand = message !== undefined;
        return message;
      },
      ended: () => {
        ending.abort();
        // What waits for a message takes none: the next poll would count it as consumed.
        this.#parts.buffer.wake();
        this.#inHand = false;
        this.#busy = false;
        this.#tellPutDown();
      },
    });
  }

  /** Hands nothing more out. Resolves when a loop's message in hand is consumed, after `deadline` ms, or at an abort of `signal`. */
  async close(deadline: number, signal?: AbortSignal): Promise<void> {
    this.#closed = true;
    this.#parts.buffer.wake();
    if (!this.#inHand || deadline === 0) return;
    const putDown = new Promise<void>((resolve) => (this.#whenPutDown = resolve));
    await endsWithin(this.#parts.clock, putDown, deadline, signal);
  }

  /**
   * @param timeout ms; Infinity: waits until there is a message, or it is closed
   * @param ending takes nothing once this has aborted
   */
  #take(max: number, timeout: number, ending?: AbortSignal): Promise<MessageExt[]> {
    const { hooks } = this.#parts;
    return hooks ? hooks.receive(() => this.#taken(max, timeout, ending)) : this.#taken(max, timeout, ending);
  }

  async #taken(max: number, timeout: number, ending?: AbortSignal): Promise<MessageExt[]> {
    const { buffer, clock } = this.#parts;
    buffer.settle();
    this.#tellPutDown();
    const until = clock.monotonic() + timeout;
    while (!this.#closed && !ending?.aborted) {
      const messages = buffer.take(max);
      const left = until - clock.monotonic();
      if (messages.length > 0) this.#parts.trace?.begin(messages)(ConsumeReturnType.SUCCESS);
      if (messages.length > 0 || left <= 0) return messages;
      await this.#wait(left);
    }
    return [];
  }

  async #wait(ms: number): Promise<void> {
    const { buffer, clock } = this.#parts;
    if (ms === Infinity) return buffer.whenReady();
    const ended = new AbortController();
    await Promise.race([buffer.whenReady(), sleep(clock, ms, ended.signal, 'the end of a poll')]);
    ended.abort();
  }

  #tellPutDown(): void {
    this.#whenPutDown?.();
    this.#whenPutDown = undefined;
  }

  #enter(): void {
    if (this.#busy) throw new PollInProgressError(this.#parts.options.group);
    this.#busy = true;
  }
}
