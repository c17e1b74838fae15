// Leaves the metadata of a parameter decorator where Nest looks for it, too.
import type { ExecutionContext, PipeTransform, Type } from '@nestjs/common';
import { InvalidListenerError } from '../errors.js';
import { CUSTOM_ROUTE_ARGS_METADATA, ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';
import { RocketMQBatchContext } from './rocketmq-batch-context.js';
import type { RocketMQContext } from './rocketmq-context.js';

/** A pipe of a parameter: its class, or an instance. */
export type ParamPipe = Type<PipeTransform> | PipeTransform;

/** Takes a parameter's value from a delivery. */
export type OfMessage = (context: RocketMQContext) => unknown;

/** What Nest and this package keep of a decorated parameter. */
export interface MarkedParam {
  readonly data?: unknown;
  readonly pipes: readonly ParamPipe[];
  readonly ofMessage?: OfMessage;
  readonly isContext?: boolean;
  readonly factory?: (data: unknown, execution: ExecutionContext) => unknown;
}

/** @param kind the part of Nest's key before the position */
export function markParam(kind: string | number, param: MarkedParam): ParameterDecorator {
  return (target, method, index) => {
    if (typeof target === 'function') throw notOfAnInstance(target.name, method, index);
    const type = target.constructor;
    // Under Nest's own key: Nest then creates the pipes that are given as classes. Those of a method that this one overrides are
    // not its own.
    const params = (Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, type, method!) ?? {}) as object;
    Reflect.defineMetadata(
      ROUTE_ARGS_METADATA,
      { ...params, [`${kind}:${index}`]: { index, ...param } },
      type,
      method!,
    );
  };
}

/** Of a constructor, or of a static method: what is left there would be found by nobody. */
function notOfAnInstance(type: string, method: string | symbol | undefined, index: number): InvalidListenerError {
  const place = method === undefined ? 'the constructor' : `the static method ${String(method)}`;
  return new InvalidListenerError(
    type,
    `parameter ${index + 1} of ${place} has a decorator of nest-rocketmq. Put it on a parameter of the listener's method.`,
  );
}

/** A parameter that is about the delivery, not its payload. Of a list it gets one value for each message. */
export function markMessageParam(kind: string, ofMessage: OfMessage, pipes: readonly ParamPipe[]): ParameterDecorator {
  // With a factory it is a custom parameter to Nest, whose own handlers would otherwise pass undefined.
  const factory = (_data: unknown, execution: ExecutionContext): unknown => {
    const context = execution.switchToRpc().getContext<RocketMQContext | RocketMQBatchContext>();
    if (!(context instanceof RocketMQBatchContext)) return ofMessage(context);
    return context.messages.map((message) => ofMessage(message.context));
  };
  return markParam(`rocketmq.${kind}${CUSTOM_ROUTE_ARGS_METADATA}`, { data: undefined, pipes, ofMessage, factory });
}
