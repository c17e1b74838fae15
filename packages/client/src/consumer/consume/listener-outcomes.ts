// Reads what a listener has returned as one outcome for each of its messages.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { InvalidListenerResultError } from './listener-errors.js';
import type { ConsumeContext } from '../options/consumer-options.js';
import { Outcome } from '../options/outcome.js';

/** One for each message, in their order; undefined: all are consumed. */
export type Outcomes = readonly Outcome[] | undefined;

const FAILURES: ReadonlySet<unknown> = new Set(['RECONSUME_LATER', 'SUSPEND_CURRENT_QUEUE_A_MOMENT']);

/** @throws InvalidListenerResultError for a list that does not fit the messages */
export function outcomesOf(result: unknown, messages: readonly MessageExt[], context: ConsumeContext): Outcomes {
  // Most listeners return nothing.
  if (result === undefined && context.ackIndex >= messages.length - 1) return undefined;
  if (Array.isArray(result)) return listed(result, messages, context);
  if (result instanceof Map) return listed(ofMap(result, messages), messages, context);
  if (Outcome.is(result)) return result.kind === 'ack' ? undefined : messages.map(() => result);
  if (FAILURES.has(result)) return failedFrom(0, messages, context);
  return context.ackIndex >= messages.length - 1 ? undefined : failedFrom(context.ackIndex + 1, messages, context);
}

/** As Java's ackIndex says it: those before `first` are consumed, and the others are not. */
function failedFrom(first: number, messages: readonly MessageExt[], context: ConsumeContext): readonly Outcome[] {
  const failure = failureOf(context);
  return messages.map((_, index) => (index < first ? Outcome.ack : failure));
}

/** What a failure means that says no more: what the listener has set in its context. */
export function failureOf({ delayLevelWhenNextConsume: level }: ConsumeContext): Outcome {
  if (level === -1) return Outcome.toDeadLetter();
  return Number.isInteger(level) && level > 0 ? Outcome.retryLater({ level }) : Outcome.retry;
}

function ofMap(results: ReadonlyMap<unknown, unknown>, messages: readonly MessageExt[]): unknown[] {
  const stranger = [...results.keys()].find((key) => !messages.includes(key as MessageExt));
  if (stranger !== undefined) {
    throw new InvalidListenerResultError('a Map with a key that is none of its messages. Use the messages as keys');
  }
  return messages.map((message) => results.get(message));
}

function listed(results: readonly unknown[], messages: readonly MessageExt[], context: ConsumeContext): Outcomes {
  if (results.length !== messages.length) {
    throw new InvalidListenerResultError(
      `${results.length} outcomes for ${messages.length} messages. Return one for each, in their order, or nothing at all`,
    );
  }
  const outcomes = Array.from(results, (result) => oneOf(result, context));
  return outcomes.every(({ kind }) => kind === 'ack') ? undefined : outcomes;
}

function oneOf(result: unknown, context: ConsumeContext): Outcome {
  if (Outcome.is(result)) return result;
  if (FAILURES.has(result)) return failureOf(context);
  if (result === undefined || result === 'CONSUME_SUCCESS' || result === 'SUCCESS') return Outcome.ack;
  throw new InvalidListenerResultError(
    `a list with a ${typeof result} in it. Use Outcome.ack, Outcome.retryLater(…) …`,
  );
}
