// Tells when a message of the timer topic is due, and how its consume queue entry says so.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';

/** Apache rounds TIMER_OUT_MS down to a whole step, and delivers when the step is over, ms. */
const APACHE_PRECISION = 1_000;
const SECOND = 1_000;
/** A hash of tags is never larger; a time since the epoch always is. */
const LARGEST_HASH = 2 ** 32;

/**
 * When the message is due, ms since the epoch; undefined where its properties do not tell.
 *
 * Our TIMER_OUT_MS is the last ms before it is due. Apache's is rounded down to a whole second that ends when the message
 * is due, so that the exact time has to be computed from what the producer asked for.
 * @param storeTimestamp when it was put into the timer topic, ms since the epoch
 */
export function timerDueOf(properties: ReadonlyMap<string, string>, storeTimestamp: number): number | undefined {
  const out = integerOf(properties.get(MessageProperty.TIMER_OUT_MS));
  if (out === undefined) return undefined;
  // Ours: what was asked for, counted from when it was stored, may be some ms more than what its entry says.
  if (out % APACHE_PRECISION !== 0) return out + 1;
  const asked = askedTimeOf(properties, storeTimestamp);
  if (asked !== undefined && asked > out && asked <= out + APACHE_PRECISION) return asked;
  return out + APACHE_PRECISION;
}

/** When the producer wants the message delivered: seconds win over ms, and both over a time; NaN for what is no number. */
export function askedTimeOf(properties: ReadonlyMap<string, string>, now: number): number | undefined {
  const seconds = properties.get(MessageProperty.TIMER_DELAY_SEC);
  if (seconds !== undefined) return now + (integerOf(seconds) ?? NaN) * SECOND;
  const ms = properties.get(MessageProperty.TIMER_DELAY_MS);
  if (ms !== undefined) return now + (integerOf(ms) ?? NaN);
  const time = properties.get(MessageProperty.TIMER_DELIVER_MS);
  return time === undefined ? undefined : (integerOf(time) ?? NaN);
}

/** Java's Long.parseLong. */
function integerOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text) ? Number(text) : undefined;
}

/** What an entry of the timer topic keeps instead of a hash of tags; negative for one that recalls another. */
export const timerTagsCode = (due: number, recalls: boolean): number => (recalls ? -due : due);

/** Undefined where the entry was made by Apache, which keeps the hash of the tags: then only the record tells. */
export function dueOfTagsCode(tagsCode: number): { due: number; recalls: boolean } | undefined {
  if (Math.abs(tagsCode) <= LARGEST_HASH) return undefined;
  return { due: Math.abs(tagsCode), recalls: tagsCode < 0 };
}
