// Counts what a consumer pulls and consumes of each topic, for its running info (Apache's ConsumerStatsManager).
import { StatsColumn, StatsItem } from '@nest-rocketmq/remoting/internal';
import type { Clock, StatsSnapshot } from '@nest-rocketmq/remoting/internal';

/** Of one topic, as mqadmin and the dashboard show it. Times in ms, rates a second over the last minute. */
export interface ConsumeStatus {
  readonly pullRT: number;
  readonly pullTPS: number;
  readonly consumeRT: number;
  readonly consumeOKTPS: number;
  readonly consumeFailedTPS: number;
  /** Of the last hour. */
  readonly consumeFailedMsgs: number;
}

interface OfTopic {
  /** Messages, and the ms that pulling them took. */
  readonly pulled: StatsItem;
  /** Messages, and the ms that the listener took. */
  readonly consumed: StatsItem;
  readonly failed: StatsItem;
}

export class ConsumerStats {
  readonly #topics = new Map<string, OfTopic>();

  constructor(private readonly clock: Clock) {}

  /** A pull has brought messages. @param ms from its request to its answer */
  pulled(topic: string, messages: number, ms: number): void {
    this.#of(topic).pulled.add(messages, ms, 1, this.clock.now());
  }

  /** The listener was called. @param ms that it took */
  consumed(topic: string, ok: number, failed: number, ms: number): void {
    const { consumed, failed: failures } = this.#of(topic);
    consumed.add(ok, ms, 1, this.clock.now());
    if (failed > 0) failures.add(failed, 0, 1, this.clock.now());
  }

  status(topic: string): ConsumeStatus {
    const { pulled, consumed, failed } = this.#of(topic);
    const now = this.clock.now();
    const time = consumed.view(StatsColumn.SIZE, now);
    const failures = failed.view(StatsColumn.NUMS, now);
    return {
      pullRT: pulled.view(StatsColumn.SIZE, now).statsMinute.avgpt,
      pullTPS: pulled.view(StatsColumn.NUMS, now).statsMinute.tps,
      // A listener that was not called for a minute has the time of the hour, as in Apache's client.
      consumeRT: (happened(time.statsMinute) ? time.statsMinute : time.statsHour).avgpt,
      consumeOKTPS: consumed.view(StatsColumn.NUMS, now).statsMinute.tps,
      consumeFailedTPS: failures.statsMinute.tps,
      consumeFailedMsgs: failures.statsHour.sum,
    };
  }

  #of(topic: string): OfTopic {
    let topics = this.#topics.get(topic);
    if (!topics) {
      const now = this.clock.now();
      topics = { pulled: new StatsItem(now), consumed: new StatsItem(now), failed: new StatsItem(now) };
      this.#topics.set(topic, topics);
    }
    return topics;
  }
}

const happened = ({ sum }: StatsSnapshot): boolean => sum > 0;
