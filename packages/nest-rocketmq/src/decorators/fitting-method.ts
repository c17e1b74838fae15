// Finds out at compile time whether a method can take the payload of a typed topic.
import type { Message } from './message.js';
import type { RocketMQBatchContext } from './rocketmq-batch-context.js';
import type { RocketMQContext } from './rocketmq-context.js';

/**
 * `unknown` if one of the parameters takes the payload, or a list of messages with it, or if the first one takes a field of it
 * or the context. Otherwise what the compiler's error says. Decorators of parameters leave no trace in types.
 */
export type Fitting<M, Received> = unknown extends Received
  ? unknown
  : M extends (...args: infer Params) => unknown
    ? Params extends readonly []
      ? unknown
      : true extends Takes<Params[number], Received> | TakesFirst<Params, Received>
        ? unknown
        : { readonly 'no parameter of this listener takes the payload of its topic': Received }
    : unknown;

/** Distributes over the parameters. */
type Takes<P, Received> = P extends unknown
  ? Fits<Received, P> | Fits<Message<Received>[], P> | Fits<readonly Message<Received>[], P>
  : never;

type TakesFirst<Params extends readonly unknown[], Received> = Params extends readonly [infer First, ...unknown[]]
  ? Fits<RocketMQContext, First> | Fits<RocketMQBatchContext, First> | FieldFits<Received, First>
  : never;

type FieldFits<Received, P> = Received extends object ? FitsAny<Received[keyof Received], P> : never;
type FitsAny<Value, P> = Value extends unknown ? Fits<Value, P> | Fits<Value[], P> : never;
type Fits<Value, P> = [Value] extends [P] ? true : never;
