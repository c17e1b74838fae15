// Knows which replays were undone: their messages are skipped by the consumers of this client, wherever they run.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { KvConfig } from '../routes/kv-config.js';
import { DLQ_REPLAY_ID } from './properties.js';

/** The name servers' namespace in which replays are noted that were undone. */
const NAMESPACE = 'DLQ_REPLAYS_SKIPPED';

export class SkippedReplays {
  readonly #kv: KvConfig;

  constructor(kv: KvConfig) {
    this.#kv = kv;
  }

  /** @param now ms since the epoch */
  skip(replayId: string, now: number): Promise<void> {
    return this.#kv.put(NAMESPACE, replayId, String(now));
  }

  /**
   * The messages of replays that were undone; undefined when none is of a replay at all.
   * @throws NameServerUnreachableError when nobody can be asked
   */
  of(messages: readonly MessageExt[]): Promise<ReadonlySet<MessageExt>> | undefined {
    for (const { properties } of messages) if (properties.has(DLQ_REPLAY_ID)) return this.#ask(messages);
    return undefined;
  }

  async #ask(messages: readonly MessageExt[]): Promise<ReadonlySet<MessageExt>> {
    const skipped = new Set<MessageExt>();
    for (const message of messages) {
      const replayId = message.properties.get(DLQ_REPLAY_ID);
      if (replayId !== undefined && (await this.#kv.get(NAMESPACE, replayId)) !== undefined) skipped.add(message);
    }
    return skipped;
  }
}
