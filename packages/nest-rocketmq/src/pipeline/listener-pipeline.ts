// Runs a message through a listener's guards, interceptors and pipes, then the listener, then exception filters if it failed.
// The order is that of Nest's own controllers.
import { AsyncResource } from 'node:async_hooks';
import { ForbiddenException, Logger } from '@nestjs/common';
import type { ArgumentsHost, CanActivate, ExceptionFilter, NestInterceptor, PipeTransform } from '@nestjs/common';
import { Outcome } from '@nest-rocketmq/client';
import { defer, from, isObservable, mergeAll } from 'rxjs';
import type { Observable } from 'rxjs';
import { InvalidListenerError } from '../errors.js';
import type { ListenerEnhancers } from './listener-enhancers.js';
import { catches } from './listener-enhancers.js';
import type { Instance, ListenerHost } from './listener-host.js';
import type { MethodKey } from '../decorators/listener-metadata.js';
import type { ListenerParams, PipedParam } from '../decorators/listener-params.js';
import { isReply } from '../message/rocketmq-reply.js';
import { firstResultOf, isSettled, isThenable, resultOf } from './listener-result.js';
import type { MessageScope } from '../nest/nest-container.js';
import { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { addBatchArgs, isPerMessage } from './batch-args.js';
import { isRefusal, toValidationError } from './invalid-payload.js';
import { RocketMQExecutionContext } from './rocketmq-execution-context.js';

export interface PipelineParts {
  readonly name: string;
  readonly host: ListenerHost;
  readonly method: MethodKey;
  readonly params: ListenerParams;
  readonly enhancers: ListenerEnhancers;
  /** Whether requests are answered with what the listener returns. */
  readonly answers?: boolean;
}

/** Of one message, or of a list. */
export type CallContext = RocketMQContext | RocketMQBatchContext;

/** One message in the pipeline, or a list. */
interface Call {
  readonly payload: unknown;
  readonly context: CallContext;
  readonly scope: MessageScope;
  readonly execution: RocketMQExecutionContext;
  /** What a pipe has thrown that refuses the payload. */
  refusal?: unknown;
}

export class ListenerPipeline {
  readonly #logger = new Logger('RocketMQ');
  readonly #brokenFilters = new Set<string>();

  /** Whether each parameter comes from the payload and the delivery alone. */
  readonly #isPlain: boolean;

  constructor(private readonly parts: PipelineParts) {
    this.#isPlain = parts.params.piped.every(({ ofPayload, ofMessage }) => ofPayload ?? ofMessage);
  }

  /**
   * Resolves with what the listener returned; if it failed, with the Outcome that a filter returned, or for a request with the
   * RocketMQReply that it returned.
   * @throws what any of them threw: nothing else that a filter does turns it into a success
   * @throws MessageValidationError when a pipe has refused the payload
   */
  async run(payload: unknown, context: CallContext): Promise<unknown> {
    return this.start(payload, context);
  }

  /** The same; a promise only if there is something to wait for. Does not throw: then it returns a promise that rejects. */
  start(payload: unknown, context: CallContext): unknown {
    const { instance } = this.parts.host;
    if (!instance || !this.#isStraight(payload, context)) return this.#runThrough(payload, context);
    try {
      const returned = this.#call(instance, payload, context);
      return isSettled(returned) ? returned : this.#runThrough(payload, context, resultOf(returned, context));
    } catch (error) {
      return this.#runThrough(payload, context, Promise.reject(error as Error));
    }
  }

  /** @param straight what the listener returns, where it is called already, without what may stand before it */
  async #runThrough(payload: unknown, context: CallContext, straight?: Promise<unknown>): Promise<unknown> {
    let call: Call | undefined;
    try {
      if (straight) return await straight;
      call = this.#begin(payload, context);
      return await this.#handle(call);
    } catch (error) {
      call ??= this.#begin(payload, context);
      const answer = await this.#filter(error, call);
      if (Outcome.is(answer) || (this.#answers(context) && isReply(answer))) return answer;
      throw call.refusal !== undefined && call.refusal === error ? toValidationError(error) : error;
    }
  }

  #isStraight(payload: unknown, context: CallContext): context is RocketMQContext {
    return (
      this.#isPlain && this.parts.enhancers.noneBeforeListener && isOne(payload, context) && !this.#answers(context)
    );
  }

  #begin(payload: unknown, context: CallContext): Call {
    const { host, method } = this.parts;
    const handler = host.method(method) ?? (() => undefined);
    const execution = new RocketMQExecutionContext([payload, context], host.type, handler);
    return { payload, context, scope: host.scope(context), execution };
  }

  /** The listener alone, without the waits for what stands before it: most have nothing there. */
  #call(instance: Instance, payload: unknown, context: RocketMQContext): unknown {
    const { params } = this.parts;
    const args: unknown[] = [];
    for (const index of params.contexts) args[index] = context;
    for (const { index, ofPayload, ofMessage } of params.piped) {
      args[index] = ofMessage ? ofMessage(context) : ofPayload?.(payload);
    }
    return this.#apply(instance, args);
  }

  async #handle(call: Call): Promise<unknown> {
    const { host, enhancers } = this.parts;
    const instance = await host.instanceFor(call.scope);
    for (const guard of await enhancers.guards(call.scope)) await this.#pass(guard, call);
    const interceptors = await enhancers.interceptors(call.scope);
    const invoke = (): Promise<unknown> => this.#invoke(instance, call);
    const result = interceptors.length === 0 ? invoke() : intercepted(interceptors, call.execution, invoke);
    return resultOf(result, call.context);
  }

  async #pass(guard: CanActivate, { execution, context }: Call): Promise<void> {
    if (await resultOf(guard.canActivate(execution), context)) return;
    throw new ForbiddenException(`Forbidden resource: denied by ${guard.constructor.name}`);
  }

  async #invoke(instance: Instance, call: Call): Promise<unknown> {
    const { params } = this.parts;
    const { context, execution } = call;
    const args: unknown[] = [];
    for (const index of params.contexts) args[index] = context;
    const isBatch = context instanceof RocketMQBatchContext;
    const single = isBatch ? params.piped.filter((param) => !isPerMessage(param)) : params.piped;
    await Promise.all(
      single.map(async (param) => (args[param.index] = await piped(param, await this.#pipes(param, call), call))),
    );
    if (isBatch) {
      const each = await Promise.all(
        params.piped.filter(isPerMessage).map(async (param) => ({ param, pipes: await this.#pipes(param, call) })),
      );
      if ((await addBatchArgs(args, each, context, execution)) === 0) return undefined;
    }
    const returned = this.#apply(instance, args);
    return this.#answers(call.context) ? firstResultOf(returned, call.context.signal) : returned;
  }

  #apply(instance: Instance, args: unknown[]): unknown {
    const handler = instance[this.parts.method];
    if (!handler) throw new InvalidListenerError(this.parts.name, 'the instance has no such method.');
    return handler.apply(instance, args);
  }

  /** Those of the method, class and app see the payload only. */
  #pipes(param: PipedParam, { scope }: Call): Promise<PipeTransform[]> {
    const { enhancers } = this.parts;
    return param.ofMessage ? enhancers.paramPipesOf(scope, param) : enhancers.pipes(scope, param);
  }

  #answers(context: CallContext): boolean {
    // A list has no one to answer.
    return this.parts.answers === true && !(context instanceof RocketMQBatchContext) && context.isRequest;
  }

  /** What the filter returned; undefined if there is none, or if it failed itself, which changes nothing. */
  async #filter(error: unknown, { scope, execution, context }: Call): Promise<unknown> {
    let filter: ExceptionFilter | undefined;
    try {
      filter = (await this.parts.enhancers.filters(scope)).find((each) => catches(each, error));
      return filter && (await resultOf(answerOf(filter, error, execution), context));
    } catch (own) {
      if (own !== error) this.#warnOfFilter(filter, own);
      return undefined;
    }
  }

  /** Warns once for each filter. Usually it is a filter for HTTP, which fails in the same way each time. */
  #warnOfFilter(filter: ExceptionFilter | undefined, error: unknown): void {
    const name = filter?.constructor.name ?? 'unknown';
    if (this.#brokenFilters.has(name)) return;
    this.#brokenFilters.add(name);
    this.#logger.warn(
      `${this.parts.name}: exception filter ${name} itself failed, which does not affect the message: ` +
        `${String(error)}. A filter for HTTP should return at once unless host.getType() is 'http'.`,
    );
  }
}

/** A single payload, which is there already. */
function isOne(payload: unknown, context: CallContext): boolean {
  return !(context instanceof RocketMQBatchContext) && !isThenable(payload);
}

function answerOf(filter: ExceptionFilter, error: unknown, host: ArgumentsHost): unknown {
  // oxlint-disable-next-line promise/valid-params -- not a promise
  return filter.catch(error, host) as unknown;
}

async function piped({ value, metadata }: PipedParam, pipes: readonly PipeTransform[], call: Call): Promise<unknown> {
  let result = await value(call.payload, call.execution);
  try {
    for (const pipe of pipes) result = await pipe.transform(result, metadata as never);
  } catch (error) {
    if (isRefusal(error)) call.refusal = error;
    throw error;
  }
  return result;
}

/** As in Nest, the handler runs on subscription, in the async context of the caller of `handle()`. */
function intercepted(
  interceptors: readonly NestInterceptor[],
  execution: RocketMQExecutionContext,
  invoke: () => Promise<unknown>,
): Observable<unknown> {
  const next = async (index: number): Promise<Observable<unknown>> => {
    const interceptor = interceptors[index];
    if (interceptor) {
      const handle = (): Observable<unknown> => defer(AsyncResource.bind(() => next(index + 1))).pipe(mergeAll());
      return interceptor.intercept(execution, { handle });
    }
    const result = await invoke();
    return isObservable(result) ? result : from([result]);
  };
  return defer(() => next(0)).pipe(mergeAll());
}
