// Keeps one queue of a consumer that pulls: the messages that are here and not handed out yet, and three offsets: up to
// where it is pulled, handed out, and consumed.
import { sharedAbortController } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ConsumedMessage } from '../offsets/offset-store.js';
import { queueKey } from '../process-queue/process-queue.js';

export class LitePullQueue {
  readonly messageQueue: MessageQueue;
  readonly key: string;
  /** Aborts when the queue is no longer this consumer's. */
  readonly signal: AbortSignal;
  /** Whether its broker has refused LITE_PULL_MESSAGE, as those before 5.0 do. */
  knowsNoLitePull = false;
  /** When its broker was last asked, ms since the epoch; 0: never. */
  lastPullTimestamp = 0;
  /** The offset that was stored last. */
  committed: number | undefined;
  /** What was consumed then: `done`. An automatic commit has something to store when it has moved on. */
  committedDone: number | undefined;
  /** The last message that was consumed. */
  consumedMessage: ConsumedMessage | undefined;
  #taken: ConsumedMessage | undefined;
  #pulledTo: number | undefined;
  #position: number | undefined;
  #done: number | undefined;
  #messages: MessageExt[] = [];
  #bytes = 0;
  #paused = false;
  #seeking = sharedAbortController();
  readonly #onChange: (queue: LitePullQueue) => void;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param offset where it begins; undefined: not known yet
   * @param onChange called after messages came, went, or may (not) be handed out any more
   */
  constructor(
    messageQueue: MessageQueue,
    offset: number | undefined,
    signal: AbortSignal,
    onChange: (queue: LitePullQueue) => void,
  ) {
    this.messageQueue = messageQueue;
    this.key = queueKey(messageQueue);
    this.signal = signal;
    this.#pulledTo = this.#position = this.#done = offset;
    this.#onChange = onChange;
    signal.addEventListener('abort', () => this.#drop(), { once: true });
  }

  get dropped(): boolean {
    return this.signal.aborted;
  }

  /** The next offset to pull; undefined: not known yet. */
  get pulledTo(): number | undefined {
    return this.#pulledTo;
  }

  /** The offset of the next message to be handed out; undefined: not known yet. */
  get position(): number | undefined {
    return this.#position;
  }

  /** All messages before this offset are consumed; undefined: not known yet. */
  get done(): number | undefined {
    return this.#done;
  }

  get count(): number {
    return this.#messages.length;
  }

  /** Of the bodies held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Distance between the first and the last offset held. */
  get span(): number {
    const first = this.#messages[0];
    return first ? this.#messages.at(-1)!.queueOffset - first.queueOffset : 0;
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#onChange(this);
    this.wake();
  }

  /** Begins at this offset, unless it is known already where. */
  begin(offset: number): void {
    this.#pulledTo ??= offset;
    this.#position ??= offset;
    this.#done ??= offset;
  }

  /** Puts in what was pulled. @param next where the next pull begins */
  add(messages: readonly MessageExt[], next: number): void {
    for (const message of messages) {
      this.#messages.push(message);
      this.#bytes += message.body.length;
    }
    this.#pulledTo = next;
    // Of what lies before the next pull nothing is for us: it need not be pulled again after a restart.
    if (this.count === 0) this.#skipTo(next);
    this.#onChange(this);
  }

  take(): MessageExt | undefined {
    const message = this.#messages.shift();
    if (!message) return undefined;
    this.#bytes -= message.body.length;
    const { queueOffset, physicalOffset, storeTimestamp } = message;
    this.#taken = { queueOffset, physicalOffset, storeTimestamp };
    this.#position = this.count === 0 ? this.#pulledTo : message.queueOffset + 1;
    this.#onChange(this);
    this.wake();
    return message;
  }

  /** What was handed out is consumed. */
  settle(): void {
    this.#done = this.#position;
    this.consumedMessage = this.#taken;
  }

  /** Pulls anew what is here and not handed out: the filter is another one. */
  refresh(): void {
    this.#pulledTo = this.#position;
    this.#abandonPull();
    this.#clear();
  }

  /** Goes on from this offset, forth or back. */
  seek(offset: number): void {
    this.#pulledTo = this.#position = this.#done = offset;
    this.#abandonPull();
    this.#clear();
  }

  /** Aborts at the next seek or refresh, or when the queue is dropped: what is pulled until then is of no use. */
  get pulling(): AbortSignal {
    return this.#seeking.signal;
  }

  /** Resolves after the next change that may let pulls go on. */
  changed(): Promise<void> {
    return this.dropped ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #abandonPull(): void {
    this.#seeking.abort();
    this.#seeking = sharedAbortController();
  }

  #drop(): void {
    this.#seeking.abort();
    this.#clear();
  }

  #skipTo(next: number): void {
    // Where a message is in hand still, only what comes behind it is skipped.
    if (this.#done === this.#position) this.#done = next;
    this.#position = next;
  }

  #clear(): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#onChange(this);
    this.wake();
  }
}
