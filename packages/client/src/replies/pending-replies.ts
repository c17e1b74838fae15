// Matches replies with the requests that wait for them, and counts those that nobody waits for.
import { randomUUID } from 'node:crypto';
import { Deadline, MessageProperty, describe, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, MessageExt } from '@nest-rocketmq/remoting/internal';

import { callBack } from '../hooks/call-back.js';
import { ReplyTimeoutError, TooManyRequestsError } from './errors.js';

/** So many ended requests are remembered, to tell a late reply from a second one. */
const REMEMBERED_REQUESTS = 1_000;

/** What has become of a client's requests since it was made. */
export interface RequestCounts {
  /** Wait for their replies now. */
  readonly pending: number;
  readonly answered: number;
  readonly timedOut: number;
  /** Not sent, or given up by a shutdown. */
  readonly failed: number;
  /** Replies that came when their request was over already. They are dropped. */
  readonly late: number;
  /** Replies to a request that had its reply already. They are dropped. */
  readonly duplicate: number;
  /** Replies to requests that this client does not remember: of its predecessor, or of long ago. They are dropped. */
  readonly unknown: number;
}

/** Why nobody waits for a reply: see the counts of these names. */
export type DroppedReplyKind = 'late' | 'duplicate' | 'unknown';

/** A reply that has come, and that nobody waits for. */
export interface DroppedReply {
  /** The count of `RequestCounts` that it is in. */
  readonly kind: DroppedReplyKind;
  /** Of the request; undefined if the reply names none. */
  readonly correlationId: string | undefined;
}

export interface PendingRepliesOptions {
  clock: Clock;
  logger: Logger;
  maxPendingRequests: number;
  onReplyDropped?: ((dropped: DroppedReply) => void) | undefined;
}

/** One request that waits. */
export interface PendingReply {
  readonly correlationId: string;
  /** @throws ReplyTimeoutError, and what `fail` was called with */
  readonly reply: Promise<MessageExt>;
  /** A broker has stored the request. */
  stored(): void;
  fail(error: unknown): void;
  /** It has its reply, or has failed: nobody waits any more. */
  isOver(): boolean;
}

interface Waiting {
  readonly owner: object;
  readonly resolve: (message: MessageExt) => void;
  readonly fail: (error: unknown) => void;
  readonly deadline: Deadline;
}

type End = 'answered' | 'timedOut' | 'failed';

export class PendingReplies {
  readonly #options: PendingRepliesOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** By correlation id, oldest first. */
  readonly #ended = new Map<string, End>();
  readonly #counts = { answered: 0, timedOut: 0, failed: 0, late: 0, duplicate: 0, unknown: 0 };

  constructor(options: PendingRepliesOptions) {
    this.#options = options;
  }

  get counts(): RequestCounts {
    return { pending: this.#waiting.size, ...this.#counts };
  }

  /**
   * Waits for a reply from now on.
   * @param owner whose request it is: see `abandon`
   * @param timeout ms
   * @throws TooManyRequestsError
   */
  expect(owner: object, topic: string, timeout: number): PendingReply {
    const { clock, maxPendingRequests } = this.#options;
    if (this.#waiting.size >= maxPendingRequests) throw new TooManyRequestsError(topic, maxPendingRequests);
    const correlationId = randomUUID();
    let stored = false;
    let fail: (error: unknown) => void = () => undefined;
    const reply = new Promise<MessageExt>((resolve, reject) => {
      fail = (error) => {
        if (this.#end(correlationId, 'failed')) reject(error);
      };
      const expired = (): void => {
        if (this.#end(correlationId, 'timedOut')) {
          reject(new ReplyTimeoutError(topic, timeout, correlationId, stored));
        }
      };
      const answer = (message: MessageExt): void => {
        if (this.#end(correlationId, 'answered')) resolve(message);
      };
      const deadline = new Deadline({ clock, timeout, expired, event: `the time-out of a request on topic ${topic}` });
      this.#waiting.set(correlationId, { owner, resolve: answer, fail, deadline });
    });
    const isOver = (): boolean => !this.#waiting.has(correlationId);
    return { correlationId, reply, stored: () => void (stored = true), fail, isOver };
  }

  /** A reply has come. @param decode makes the message; what it throws ends the request, and is thrown on */
  received(correlationId: string | undefined, decode: () => MessageExt): void {
    const waiting = correlationId === undefined ? undefined : this.#waiting.get(correlationId);
    if (!waiting) return this.#nobodyWaits(correlationId);
    try {
      waiting.resolve(decode());
    } catch (error) {
      waiting.fail(error);
      throw error;
    }
  }

  /** Ends all requests of this owner. */
  abandon(owner: object, error: Error): void {
    for (const waiting of this.#waiting.values()) if (waiting.owner === owner) waiting.fail(error);
  }

  #end(correlationId: string, how: End): boolean {
    const waiting = this.#waiting.get(correlationId);
    if (!waiting) return false;
    waiting.deadline.cancel();
    this.#waiting.delete(correlationId);
    this.#counts[how]++;
    this.#ended.set(correlationId, how);
    if (this.#ended.size > REMEMBERED_REQUESTS) this.#ended.delete(this.#ended.keys().next().value!);
    return true;
  }

  #nobodyWaits(correlationId: string | undefined): void {
    const ended = correlationId === undefined ? undefined : this.#ended.get(correlationId);
    const kind = ended === undefined ? 'unknown' : ended === 'answered' ? 'duplicate' : 'late';
    this.#counts[kind]++;
    const { logger, onReplyDropped } = this.#options;
    logger.debug?.(
      `a reply is dropped (${kind}): ${MessageProperty.CORRELATION_ID} ${printable(String(correlationId))}`,
    );
    callBack(
      () => onReplyDropped?.({ kind, correlationId }),
      (error) => logger.warn(`onReplyDropped failed: ${describe(error)}`),
    );
  }
}
