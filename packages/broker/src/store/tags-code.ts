// Owns the last field of a consume queue entry when it is built from a record: the hash of the tags, and on the topic
// of delayed messages the time at which the message is due.
import type { RecordView } from './record.js';
import { RecordProperties, hashUtf8 } from './record-properties.js';

const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
export const DEFAULT_DELAY_LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const NO_LEVEL_MS = 1_000;

export class TagsCodes {
  readonly #levels: number[];
  readonly #properties = new RecordProperties();

  /** @param messageDelayLevel Apache's setting, such as `1s 5s 1m`; a level that cannot be read counts as 1 s */
  constructor(messageDelayLevel: string) {
    this.#levels = messageDelayLevel
      .trim()
      .split(/\s+/)
      .map((level) => Number(level.slice(0, -1)) * (UNIT_MS[level.slice(-1)] ?? Number.NaN) || NO_LEVEL_MS);
  }

  of(topic: string, record: RecordView, buffer: Buffer): number {
    const properties = this.#properties;
    properties.find(buffer, record.propertiesAt, record.propertiesLength);
    const { tags, delay } = properties;
    if (topic === SCHEDULE_TOPIC && delay.to > 0) {
      const level = Math.min(Number(buffer.toString('latin1', delay.from, delay.to)), this.#levels.length);
      if (level > 0) return record.storeTimestamp + this.#levels[level - 1];
    }
    return tags.to > tags.from ? hashUtf8(buffer, tags.from, tags.to) : 0;
  }
}
