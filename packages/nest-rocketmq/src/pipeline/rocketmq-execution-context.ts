// Implements Nest's ExecutionContext for guards, interceptors and filters of a listener: Nest does not export its own class.
import type { ExecutionContext, Type } from '@nestjs/common';
import { ROCKETMQ_CONTEXT_TYPE } from '../rocketmq.tokens.js';

type Handler = (...args: unknown[]) => unknown;

/** The arguments are the payload and the RocketMQContext; `switchToRpc()` has them as `getData()` and `getContext()`. */
export class RocketMQExecutionContext implements ExecutionContext {
  constructor(
    private readonly args: unknown[],
    private readonly type: Type<unknown>,
    private readonly handler: Handler,
  ) {}

  getType<T extends string>(): T {
    return ROCKETMQ_CONTEXT_TYPE as T;
  }

  getClass<T>(): Type<T> {
    return this.type as Type<T>;
  }

  getHandler(): Handler {
    return this.handler;
  }

  getArgs<T extends unknown[]>(): T {
    return this.args as T;
  }

  getArgByIndex<T>(index: number): T {
    return this.args[index] as T;
  }

  switchToRpc(): ReturnType<ExecutionContext['switchToRpc']> {
    return { getData: <T>() => this.args[0] as T, getContext: <T>() => this.args[1] as T };
  }

  switchToHttp(): ReturnType<ExecutionContext['switchToHttp']> {
    const at =
      (index: number) =>
      <T>() =>
        this.args[index] as T;
    return { getRequest: at(0), getResponse: at(1), getNext: at(2) };
  }

  switchToWs(): ReturnType<ExecutionContext['switchToWs']> {
    return {
      getData: <T>() => this.args[0] as T,
      getClient: <T>() => this.args[1] as T,
      getPattern: () => ROCKETMQ_CONTEXT_TYPE,
    };
  }
}
