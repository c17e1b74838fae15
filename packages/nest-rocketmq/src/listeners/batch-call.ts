// Takes a list of messages to a batch listener, and finds out what became of each.
import { Outcome } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { Message } from '../decorators/message.js';
import { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import { failuresSaid } from '../pipeline/listener-outcome.js';
import type { Failure } from '../pipeline/listener-outcome.js';
import type { RetryPolicy } from './retry-policy.js';

export interface BatchCallParts {
  group: string;
  keepsOrder: boolean;
  signal: AbortSignal;
  /** @throws InvalidListenerError when there is none */
  listenerFor: (context: RocketMQContext) => DiscoveredListener;
  policyOf: (listener: DiscoveredListener | undefined) => RetryPolicy;
  /** May be a promise. @throws MessageDecodeError, MessageValidationError */
  payload: (listener: DiscoveredListener, context: RocketMQContext) => unknown;
  handle: (listener: DiscoveredListener, messages: Message[], context: RocketMQBatchContext) => Promise<unknown>;
}

/** What became of one message of the list. */
export interface BatchResult {
  readonly context: RocketMQContext;
  readonly listener: DiscoveredListener | undefined;
  /** Undefined: it is consumed. */
  readonly failure: { readonly error: unknown; readonly outcome: Outcome } | undefined;
}

/** @returns whether the failure keeps back what comes after it */
type Fail = (context: RocketMQContext, listener: DiscoveredListener | undefined, error: unknown) => boolean;

const UNTRIED = { error: Outcome.untried };

/** Messages of one listener that follow each other. */
interface Run {
  readonly listener: DiscoveredListener;
  readonly messages: Message[];
}

export async function callBatch(parts: BatchCallParts, given: readonly MessageExt[]): Promise<BatchResult[]> {
  const results = new Map<RocketMQContext, BatchResult>();
  const contexts = given.map((message) => RocketMQContext.of(message, parts.group, parts));
  for (const context of contexts) results.set(context, { context, listener: undefined, failure: undefined });
  const fail: Fail = (context, listener, error) => {
    const outcome = parts.policyOf(listener).outcomeOf(error, context.reconsumeTimes + 1);
    results.set(context, { context, listener, failure: { error, outcome } });
    return parts.keepsOrder && outcome.kind !== 'deadLetter';
  };
  let keptBack = false;
  for (const { listener, messages } of await runsOf(parts, contexts, fail)) {
    const failures = keptBack ? messages.map(() => UNTRIED) : await tried(parts, listener, messages);
    for (const [index, failure] of failures.entries()) {
      const { context } = messages[index]!;
      // Consumed or not, it comes again behind the one that failed.
      if (!failure && keptBack) fail(context, listener, Outcome.untried);
      else if (!failure) results.set(context, { context, listener, failure });
      else if (fail(context, listener, failure.error)) keptBack = true;
    }
  }
  return [...results.values()];
}

/** Decodes the messages, and puts those of one listener together. One that cannot be decoded fails by itself. */
async function runsOf(
  { listenerFor, payload }: BatchCallParts,
  contexts: readonly RocketMQContext[],
  fail: Fail,
): Promise<Run[]> {
  const runs: Run[] = [];
  let keptBack = false;
  for (const context of contexts) {
    let listener: DiscoveredListener | undefined;
    try {
      if (keptBack) throw Outcome.untried;
      listener = listenerFor(context);
      const read = payload(listener, context);
      const message = new Message(read instanceof Promise ? await read : read, context);
      const last = runs.at(-1);
      if (last?.listener === listener) last.messages.push(message);
      else runs.push({ listener, messages: [message] });
    } catch (error) {
      if (fail(context, listener, error)) keptBack = true;
    }
  }
  return runs;
}

/** Calls the listener, and again at once for what failed, as often as its `inPlace` says. */
async function tried(parts: BatchCallParts, listener: DiscoveredListener, messages: Message[]): Promise<Failure[]> {
  const policy = parts.policyOf(listener);
  const failures = await once(parts, listener, messages);
  for (let left = policy.inPlace; left > 0 && !parts.signal.aborted; left--) {
    const again = [...failures.keys()].filter((at) => isWorthAnother(failures[at], policy));
    if (again.length === 0) break;
    // What was thrown for one must not be tried again after others that come behind it.
    const first = parts.keepsOrder ? failures.findIndex((failure) => failure !== undefined) : -1;
    if (parts.keepsOrder && !again.includes(first)) break;
    const chosen = parts.keepsOrder ? [...failures.keys()].slice(first) : again;
    for (const at of chosen) messages[at]!.payload = await parts.payload(listener, messages[at]!.context);
    const results = await once(
      parts,
      listener,
      chosen.map((at) => messages[at]!),
    );
    for (const [index, at] of chosen.entries()) failures[at] = results[index];
  }
  return failures;
}

function isWorthAnother(failure: Failure, policy: RetryPolicy): boolean {
  return failure !== undefined && policy.isRetryable(failure.error);
}

async function once(parts: BatchCallParts, listener: DiscoveredListener, messages: Message[]): Promise<Failure[]> {
  for (const message of messages) message.forgetFailure();
  const context = RocketMQBatchContext.of(messages, parts.group, parts.signal, parts.keepsOrder);
  try {
    const returned = await parts.handle(listener, messages, context);
    return merged(returned, messages, context.messages);
  } catch (error) {
    return messages.map(({ failure }) => failure ?? { error });
  }
}

/** What a message's own `fail` has said goes before what the listener returned for it. */
function merged(returned: unknown, messages: readonly Message[], handed: readonly Message[]): Failure[] {
  const said = new Map(failuresSaid(returned, handed).map((failure, index) => [handed[index], failure]));
  return messages.map((message) => message.failure ?? said.get(message));
}
