// Reads half messages that have no verdict. Where a copy that counts the checks cannot be read, the half that it is a copy of
// stands in for it.
import { DecodeError, HALF_TOPIC, MessageProperty, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { EventLog, MessageExt } from '@nest-rocketmq/remoting/internal';
import type { MessageStore } from '../store/store.js';
import type { HalfQueue } from './half-queue.js';

const QUEUE = 0;

export interface HalfReaderDeps {
  store: Pick<MessageStore, 'readConsumeQueue' | 'readRecord'>;
  halves: Pick<HalfQueue, 'older'>;
  log: EventLog;
}

/** How often the producers were asked about it. What a producer has written there instead of a number counts as 0. */
export function timesChecked(half: MessageExt): number {
  const times = Number(half.properties.get(MessageProperty.TRANSACTION_CHECK_TIMES) ?? 0);
  return Number.isSafeInteger(times) && times >= 0 ? times : 0;
}

export class HalfReader {
  constructor(private readonly deps: HalfReaderDeps) {}

  /**
   * The half at `offset` of the half topic, or what stands in for it.
   * @returns 'damaged' where nothing can, 'later' where the disk could not be read. The log tells of both.
   */
  async read(offset: number): Promise<MessageExt | 'damaged' | 'later'> {
    const { halves, log } = this.deps;
    const kind = 'half messages cannot be read';
    const faults: string[] = [];
    let failed = false;
    for (let at: number | undefined = offset; at !== undefined; at = halves.older(at)) {
      try {
        const half = await this.#read(at);
        if (half && at === offset) return half;
        if (half) {
          const where = `the half message at offset ${offset} of ${HALF_TOPIC} cannot be read: ${faults[0]}`;
          log.say('error', kind, `${where}. The one at offset ${at}, which it is a copy of, stands in for it`);
          return afterChecks(half, faults.length);
        }
        faults.push('its record is damaged');
      } catch (error) {
        failed = true;
        faults.push(error instanceof Error ? error.message : String(error));
      }
    }
    const next = failed ? 'It is tried again' : 'It is skipped, and its transaction is lost';
    log.say(
      'error',
      kind,
      `the half message at offset ${offset} of ${HALF_TOPIC} cannot be read: ${faults[0]}. ${next}`,
    );
    return failed ? 'later' : 'damaged';
  }

  /** @returns undefined where there is no good record. @throws what the disk throws */
  async #read(offset: number): Promise<MessageExt | undefined> {
    const { store } = this.deps;
    const entry = await store.readConsumeQueue(HALF_TOPIC, QUEUE, offset);
    const record = entry && (await store.readRecord(entry.physicalOffset, entry.size));
    try {
      return record && decodeRecord(record, 0, { inflate: false });
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }
}

/** The half, with `more` checks counted that only its copies knew of: else it could be asked about for ever. */
function afterChecks(half: MessageExt, more: number): MessageExt {
  const times = String(timesChecked(half) + more);
  return { ...half, properties: new Map(half.properties).set(MessageProperty.TRANSACTION_CHECK_TIMES, times) };
}
