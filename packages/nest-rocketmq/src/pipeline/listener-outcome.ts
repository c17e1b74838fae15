// Reads what a listener has returned as the outcome of its message, or of each of its messages.
import { InvalidListenerResultError, Outcome } from '@nest-rocketmq/client';
import type { Message } from '../decorators/message.js';

/** What became of one message: undefined: it is consumed; else what was thrown for it, which may be an Outcome. */
export type Failure = { readonly error: unknown } | undefined;

/** A listener may return anything; only an Outcome other than `ack` says that its message is not consumed. */
export function failureSaid(returned: unknown): Failure {
  return Outcome.is(returned) && returned.kind !== 'ack' ? { error: returned } : undefined;
}

/**
 * The failures that a batch listener has returned: in a list with one entry for each message, or in a Map by message. Entries
 * are outcomes, errors, or what Promise.allSettled resolves with; anything else counts as consumed.
 * @throws InvalidListenerResultError for a list of outcomes that does not fit the messages
 */
export function failuresSaid(returned: unknown, messages: readonly Message[]): Failure[] {
  if (returned instanceof Map) return inMap(returned, messages);
  if (!Array.isArray(returned)) return messages.map(() => failureSaid(returned));
  const failures = Array.from(returned, failureIn);
  if (failures.length === messages.length) return failures;
  // Such as the rows that a database has returned: nothing that is about messages.
  if (!returned.some((entry) => Outcome.is(entry) || isSettled(entry) || entry instanceof Error)) {
    return messages.map(() => undefined);
  }
  throw new InvalidListenerResultError(
    `${failures.length} outcomes for ${messages.length} messages. Return one for each, in their order, or nothing at all`,
  );
}

function inMap(returned: ReadonlyMap<unknown, unknown>, messages: readonly Message[]): Failure[] {
  const isOurs = (key: unknown): boolean => messages.includes(key as Message);
  if ([...returned].some(([key, entry]) => !isOurs(key) && failureIn(entry) !== undefined)) {
    throw new InvalidListenerResultError(
      'a Map with a failure of something else than its messages. Use the messages as keys',
    );
  }
  return messages.map((message) => failureIn(returned.get(message)));
}

function failureIn(entry: unknown): Failure {
  if (entry instanceof Error) return { error: entry };
  if (!isSettled(entry)) return failureSaid(entry);
  return entry.status === 'rejected' ? { error: entry.reason } : failureSaid(entry.value);
}

function isSettled(entry: unknown): entry is PromiseSettledResult<unknown> {
  if (typeof entry !== 'object' || entry === null || !('status' in entry)) return false;
  return (entry.status === 'rejected' && 'reason' in entry) || (entry.status === 'fulfilled' && 'value' in entry);
}
