// Names an error for the attribute error.type, with few different values: a broker's code where it has refused.
import { ResponseCode, ResponseError, RocketMQError } from '@nest-rocketmq/remoting/internal';
import { Outcome, TopicNotFoundError } from '@nest-rocketmq/client';

/** The conventions' word for an error that has no name. */
const OTHER = '_OTHER';
/** Errors that are the cause of others: a chain that is longer is not followed further. */
const LONGEST_CHAIN = 8;

const NAMES = new Map<number, string>(Object.entries(ResponseCode).map(([name, code]) => [code, name]));

/** TOPIC_NOT_EXIST, SYSTEM_BUSY, … as Apache names them; else our error's code, or the error's class. */
export function errorType(error: unknown): string {
  let cause: unknown = error;
  for (let depth = 0; cause instanceof Error && depth < LONGEST_CHAIN; depth++) {
    if (cause instanceof TopicNotFoundError) return 'TOPIC_NOT_EXIST';
    if (cause instanceof ResponseError) return NAMES.get(cause.responseCode) ?? String(cause.responseCode);
    cause = cause.cause;
  }
  if (error instanceof RocketMQError) return error.code;
  if (!(error instanceof Error)) return OTHER;
  return error.constructor.name === 'Error' ? error.name : error.constructor.name || OTHER;
}

/** What went wrong with a message; undefined when it was consumed. */
export function outcomeError(outcome: Outcome): { type: string; error?: unknown } | undefined {
  if (outcome.kind === 'ack' || outcome.isUntried) return undefined;
  if (outcome.cause === undefined) return { type: outcome.kind };
  return { type: errorType(outcome.cause), error: outcome.cause };
}
