// Learns what a handler threw, before Nest's exception filters turn it into something else.
import { Outcome } from '@nest-rocketmq/client';
import type { ArgumentsHost } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { RpcExceptionsHandler } from '@nestjs/microservices/exceptions/rpc-exceptions-handler.js';

/** On a context: takes what its handlers throw. */
const ON_FAILURE = Symbol.for('nest-rocketmq:on-failure');
/** On Nest's method: it is wrapped. */
const IS_WRAPPED = Symbol.for('nest-rocketmq:rpc-failures');

type Handle = RpcExceptionsHandler['handle'];
type OnFailure = (error: unknown) => void;

/**
 * Nest hands an error to nobody but its filters: one of a class that it does not know comes out as 'Internal server error', and
 * a filter may swallow it. What becomes of a message depends on the error itself, so Nest's own handler is made to tell it to
 * the message's context first. It holds for the process, and concerns only handlers of this transport.
 */
export function learnFailures(): void {
  const original: Handle & { [IS_WRAPPED]?: true } = RpcExceptionsHandler.prototype.handle;
  if (original[IS_WRAPPED]) return;
  const wrapped = function (this: RpcExceptionsHandler, ...given: Parameters<Handle>): ReturnType<Handle> {
    const [error, host] = given as [unknown, ArgumentsHost];
    for (const each of host.getArgs()) sinkOf(each)?.(error);
    return original.apply(this, given);
  };
  RpcExceptionsHandler.prototype.handle = Object.assign(wrapped, { [IS_WRAPPED]: true as const });
}

/** @returns the errors of the handlers that are called with this context from now on */
export function failuresOf(context: object): readonly unknown[] {
  const errors: unknown[] = [];
  const sink: OnFailure = (error) => void errors.push(meant(error));
  Object.defineProperty(context, ON_FAILURE, { value: sink, configurable: true, enumerable: false });
  return errors;
}

function sinkOf(context: unknown): OnFailure | undefined {
  if (typeof context !== 'object' || context === null) return undefined;
  return (context as { [ON_FAILURE]?: OnFailure })[ON_FAILURE];
}

/** An RpcException may only carry what is meant: an Outcome, or an error of the app. */
function meant(error: unknown): unknown {
  if (!(error instanceof RpcException)) return error;
  const inner: unknown = error.getError();
  return Outcome.is(inner) || inner instanceof Error ? inner : error;
}
