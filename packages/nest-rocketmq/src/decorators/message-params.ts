// Declares the decorators of parameters that receive something about the delivery: headers, keys, tag, context.
import { CUSTOM_ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';
import { headerOf, headersOf } from './headers.js';
import { markMessageParam, markParam } from './mark-param.js';
import type { ParamPipe } from './mark-param.js';

/**
 * Marks the parameter that receives all properties of the message by name, as `Record<string, string>`. What RocketMQ keeps
 * outside of them is there under rocketmq-spring's names, such as `rocketmq_TOPIC`. A batch listener receives a list of them.
 */
export function Headers(): ParameterDecorator {
  return markMessageParam('headers', headersOf, []);
}

/**
 * Marks the parameter that receives one property of the message, a string, or undefined if the message has none of that name.
 * `@Header('KEYS')` and rocketmq-spring's `@Header('rocketmq_KEYS')` are the same. A batch listener receives a list.
 * @param name the property's name
 * @param pipes run for this parameter alone: `@Header('attempt', ParseIntPipe)`
 */
export function Header(name: string, ...pipes: ParamPipe[]): ParameterDecorator {
  return markMessageParam('header', (context) => headerOf(context, name), pipes);
}

/** Marks the parameter that receives the message's keys, as `readonly string[]`. A batch listener receives a list of them. */
export function Keys(): ParameterDecorator {
  return markMessageParam('keys', ({ keys }) => keys, []);
}

/** Marks the parameter that receives the message's tag, a string or undefined. A batch listener receives a list of them. */
export function Tag(): ParameterDecorator {
  return markMessageParam('tag', ({ tags }) => tags, []);
}

/** Marks the parameter that receives the `RocketMQContext`; of a batch listener the `RocketMQBatchContext`. */
export function Ctx(): ParameterDecorator {
  return markParam(`rocketmq.ctx${CUSTOM_ROUTE_ARGS_METADATA}`, {
    pipes: [],
    isContext: true,
    factory: (_data, execution) => execution.switchToRpc().getContext<unknown>(),
  });
}
