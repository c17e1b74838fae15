// Computes the last field of a consume queue entry from a record: the hash of the tags, and on the topics of delayed
// messages the time at which the message is due.
import {
  MessageProperty,
  SCHEDULE_TOPIC,
  TIMER_TOPIC,
  decodeProperties,
  parseDelayLevels,
} from '@nest-rocketmq/remoting/internal';
import { timerDueOf, timerTagsCode } from './timer-due.js';
import type { RecordView } from '../commitlog/record.js';
import { RecordProperties, hashUtf8 } from '../commitlog/record-properties.js';

const NO_LEVEL_MS = 1_000;

export class TagsCodes {
  readonly #levels: number[];
  readonly #properties = new RecordProperties();

  /** @param messageDelayLevel Apache's setting, such as `1s 5s 1m`; a level that cannot be read counts as 1 s */
  constructor(messageDelayLevel: string) {
    this.#levels = parseDelayLevels(messageDelayLevel).map((delay) => delay || NO_LEVEL_MS);
  }

  of(topic: string, record: RecordView, buffer: Buffer): number {
    const due = topic === TIMER_TOPIC ? timerCode(record, buffer) : undefined;
    if (due !== undefined) return due;
    const properties = this.#properties;
    properties.find(buffer, record.propertiesAt, record.propertiesLength);
    const { tags, delay } = properties;
    if (topic === SCHEDULE_TOPIC && delay.to > 0) {
      const level = Math.min(Number(buffer.toString('latin1', delay.from, delay.to)), this.#levels.length);
      if (level > 0) return record.storeTimestamp + (this.#levels[level - 1] ?? NO_LEVEL_MS);
    }
    return tags.to > tags.from ? hashUtf8(buffer, tags.from, tags.to) : 0;
  }
}

/** Undefined where the record does not say when it is due. */
function timerCode({ propertiesAt, propertiesLength, storeTimestamp }: RecordView, buffer: Buffer): number | undefined {
  const properties = decodeProperties(buffer.toString('utf8', propertiesAt, propertiesAt + propertiesLength));
  const due = timerDueOf(properties, storeTimestamp);
  return due === undefined ? undefined : timerTagsCode(due, properties.has(MessageProperty.TIMER_DEL_UNIQKEY));
}
