// Does one round of the relay: claims rows, sends them, and writes down what became of them.
import { TopicNotFoundError } from '@nest-rocketmq/client';
import { ResponseCode, ResponseError } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { withClockHeld } from '../manual-clock-settings.js';
import type { OutboxEvent } from './outbox-events.js';
import type { CheckedRelayOptions } from './outbox-options.js';
import type { ClaimedRow } from './outbox-row.js';
import type { OutboxStore, Unsent } from './outbox-store.js';
import { Pauses } from './pauses.js';
import { sendRows } from './row-sender.js';
import type { BatchProducer, Outcome } from './row-sender.js';

/** A send may itself wait for the clock, between two attempts. ms of real time */
const SEND_HOLDS_CLOCK_MS = 1_000;

export interface RelayParts {
  readonly store: OutboxStore;
  readonly clock: Clock;
  readonly options: CheckedRelayOptions;
  /** Names this relay in the rows that it claims. */
  readonly name: string;
  producer(): Promise<BatchProducer>;
  tell(event: OutboxEvent): void;
}

/** `error` is why nothing can be done now. */
export type RoundResult = { readonly claimed: number; readonly outage?: { readonly error: unknown } };

type Failed = Extract<Outcome, { kind: unknown }>;

export class RelayRounds {
  readonly #parts: RelayParts;
  readonly #topics: Pauses;
  readonly #lanes: Pauses;
  /** Sent, but the database could not be told. */
  #unmarked: string[] = [];

  constructor(parts: RelayParts) {
    this.#parts = parts;
    const { clock, options } = parts;
    const limits = { first: options.retryDelay, longest: options.maxRetryDelay };
    this.#topics = new Pauses(clock, limits);
    this.#lanes = new Pauses(clock, limits);
  }

  /** How long until a paused topic or sharding key is tried again, ms; undefined if none is paused. */
  untilNext(): number | undefined {
    const waits = [this.#topics.untilNext(), this.#lanes.untilNext()].filter((wait) => wait !== undefined);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  async run(): Promise<RoundResult> {
    const { store, clock } = this.#parts;
    this.#topics.forgetOld();
    this.#lanes.forgetOld();
    const rows = await withClockHeld(clock, 'the outbox looking for messages', async () => {
      await this.#markSent([]);
      return this.#claim();
    });
    if (rows.length === 0) return { claimed: 0 };
    const outcomes = await this.#send(rows);
    const failed = outcomes.filter((outcome) => 'kind' in outcome);
    await withClockHeld(clock, 'the outbox writing down what was sent', async () => {
      await this.#markSent(outcomes.filter((outcome) => 'result' in outcome).map(({ row }) => row.id));
      await store.release(
        this.#parts.name,
        failed.map((each) => this.#unsent(each)),
      );
    });
    for (const outcome of outcomes) this.#tell(outcome);
    return this.#pause(rows, failed);
  }

  #claim(): Promise<ClaimedRow[]> {
    const { store, options, name } = this.#parts;
    const { claimTimeout, batchSize, batchBytes } = options;
    const [pausedTopics, pausedLanes] = [this.#topics.active(), this.#lanes.active()];
    return store.claim({ relay: name, claimTimeout, batchSize, batchBytes, pausedTopics, pausedLanes });
  }

  /** An error that comes before the first send, such as that of a broker which does not start, is that of all rows. */
  async #send(rows: readonly ClaimedRow[]): Promise<Outcome[]> {
    const send = async (): Promise<Outcome[]> => sendRows(await this.#parts.producer(), rows);
    try {
      return await withClockHeld(this.#parts.clock, 'the outbox sending', send, SEND_HOLDS_CLOCK_MS);
    } catch (error) {
      return rows.map((row) => ({ row, kind: 'outage', error }));
    }
  }

  /** What could not be marked is marked in the next round: else it would be sent again. */
  async #markSent(ids: readonly string[]): Promise<void> {
    this.#unmarked.push(...ids);
    if (this.#unmarked.length === 0) return;
    await this.#parts.store.markSent(this.#unmarked);
    this.#unmarked = [];
  }

  #unsent(outcome: Failed): Unsent {
    const { row, error, kind } = outcome;
    return {
      row,
      setAside: this.#isSetAside(outcome),
      counts: kind === 'refused' || kind === 'unsendable',
      error: kind === 'skipped' ? undefined : error,
    };
  }

  #isSetAside({ row, kind }: Failed): boolean {
    return kind === 'unsendable' || (kind === 'refused' && row.attempts + 1 >= this.#parts.options.maxAttempts);
  }

  #tell(outcome: Outcome): void {
    const { id, topic, shardingKey } = outcome.row;
    const message = { id, topic, shardingKey };
    if ('result' in outcome) return this.#parts.tell({ type: 'sent', ...message, result: outcome.result });
    const { kind, error } = outcome;
    if (kind === 'skipped') return undefined;
    if (this.#isSetAside(outcome)) return this.#parts.tell({ type: 'failed', ...message, error });
    return this.#parts.tell({ type: 'retry', ...message, error, counts: kind === 'refused' });
  }

  #pause(rows: readonly ClaimedRow[], failed: readonly Failed[]): RoundResult {
    const claimed = rows.length;
    const outage = failed.find(({ kind }) => kind === 'outage');
    if (outage) return { claimed, outage };
    const failing = new Set(failed.map(({ row }) => row));
    const working = new Set(rows.filter((row) => !failing.has(row)).map(({ topic }) => topic));
    for (const topic of working) this.#topics.end(topic);
    for (const row of rows) if (!failing.has(row)) this.#lanes.end(row.lane);
    const paused = new Set<string>();
    for (const each of failed) {
      const { kind, row, error } = each;
      if (kind === 'skipped' || this.#isSetAside(each)) continue;
      const ofTopic = (kind === 'away' || isOfTopic(error)) && !working.has(row.topic);
      const pauses = ofTopic || this.#lanes.isFull ? this.#topics : this.#lanes;
      const name = pauses === this.#topics ? row.topic : row.lane;
      if (!paused.has(name)) pauses.pause(name);
      paused.add(name);
    }
    return this.#topics.isFull ? { claimed, outage: { error: failed[0]?.error } } : { claimed };
  }
}

/** Whether the other messages of the topic would fail in the same way. */
function isOfTopic(error: unknown): boolean {
  if (error instanceof TopicNotFoundError) return true;
  const code = error instanceof ResponseError ? error.responseCode : undefined;
  return code === ResponseCode.TOPIC_NOT_EXIST || code === ResponseCode.NO_PERMISSION;
}
