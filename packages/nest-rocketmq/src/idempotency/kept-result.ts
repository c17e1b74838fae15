// Turns what work has returned into text that a store keeps, and back.
import { Outcome } from '@nest-rocketmq/client';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { RocketMQReply, isReply } from '../message/rocketmq-reply.js';

/** A longer result is not kept. Bytes of its JSON. */
export const MOST_RESULT_BYTES = 65_536;

/** Before the JSON of a RocketMQReply. No JSON begins like this. */
const REPLY = 'reply:';

/** The result as JSON; undefined, with a warning, for one that cannot be kept: the work is done, and must not fail for that. */
export function resultText(result: unknown, what: string, logger: Logger): string | undefined {
  // An Outcome says what becomes of the message, and is no result.
  if (result === undefined || Outcome.is(result)) return undefined;
  let text: string | undefined;
  try {
    const json = JSON.stringify(result);
    text = isReply(result) ? `${REPLY}${json}` : json;
  } catch {
    // A circular reference or a bigint: said below.
  }
  if (text !== undefined && Buffer.byteLength(text) <= MOST_RESULT_BYTES) return text;
  const why =
    text === undefined ? 'it cannot be written as JSON' : `its JSON is longer than ${MOST_RESULT_BYTES} bytes`;
  logger.warn(`the result of ${what} is not kept for duplicates: ${why}`);
  return undefined;
}

/** The result of work that was done before. */
export function resultOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (!text.startsWith(REPLY)) return JSON.parse(text) as unknown;
  const { payload, options } = JSON.parse(text.slice(REPLY.length)) as RocketMQReply;
  return new RocketMQReply(payload, options);
}
