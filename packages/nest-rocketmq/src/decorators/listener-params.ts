// Determines what each parameter of a listener's method is: the payload, something about the delivery, the context, or a custom
// decorator's value.
import { isSameClass } from '@nest-rocketmq/remoting/internal';
import type { ExecutionContext } from '@nestjs/common';
import { InvalidListenerError } from '../errors.js';
import { headerOf } from './headers.js';
import type { MessageListenerOptions, MethodKey, PayloadType } from './listener-metadata.js';
import type { OfMessage } from './mark-param.js';
import { CUSTOM_ROUTE_ARGS_METADATA, PARAMTYPES_METADATA, ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';
import { RocketMQBatchContext } from './rocketmq-batch-context.js';
import { RocketMQContext } from './rocketmq-context.js';

/** Nest's number of @Body() and of the microservices' @Payload(). */
export const PAYLOAD_PARAM = 3;
/** Nest's number of the microservices' @Ctx(), and of the @Headers() for HTTP. */
const CONTEXT_OR_HEADERS_PARAM = 6;

/** A parameter whose value goes through pipes. */
export interface PipedParam {
  readonly index: number;
  /** What pipes are told about it. Only Nest 12 has `schema`. */
  readonly metadata: { type: 'body' | 'custom'; metatype?: unknown; data?: unknown; schema?: unknown };
  /** The pipes bound to the parameter itself: instances and classes. */
  readonly pipes: readonly unknown[];
  value(payload: unknown, execution: ExecutionContext): unknown;
  /** Set for what is about the delivery, not its payload: only its own pipes see it. */
  readonly ofMessage?: OfMessage;
  /** The same, where nothing but the payload is needed. */
  readonly ofPayload?: (payload: unknown) => unknown;
}

export interface ListenerParams {
  readonly piped: readonly PipedParam[];
  /** The positions that receive the RocketMQContext, which no pipe sees. */
  readonly contexts: readonly number[];
  /** The declared class of the payload; undefined if the compiler did not keep it. */
  readonly payloadType: unknown;
}

interface ParamMetadata {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly factory?: (data: unknown, execution: ExecutionContext) => unknown;
  readonly schema?: unknown;
  readonly ofMessage?: OfMessage;
  readonly isContext?: boolean;
}

/** The listener's method, as far as its parameters go. */
interface Method {
  readonly name: string;
  /** As TypeScript kept them; undefined if it did not. */
  readonly types: readonly unknown[] | undefined;
  readonly declared: PayloadType | undefined;
  readonly isBatch: boolean;
}

/** @throws InvalidListenerError for a parameter decorator that has no meaning for a message */
export function paramsOf(
  name: string,
  type: object,
  method: MethodKey,
  { payloadType: declared, batch }: Pick<MessageListenerOptions, 'payloadType' | 'batch'>,
): ListenerParams {
  const { prototype } = type as { prototype: object };
  const types = Reflect.getMetadata(PARAMTYPES_METADATA, prototype, method) as unknown[] | undefined;
  const of: Method = { name, types, declared, isBatch: batch !== undefined };
  const decorated = Object.entries(
    (Reflect.getMetadata(ROUTE_ARGS_METADATA, type, method) ?? {}) as Record<string, ParamMetadata>,
  );
  const piped: PipedParam[] = [];
  const contexts: number[] = [];
  for (const [key, param] of decorated) {
    if (isContext(of, key, param)) contexts.push(param.index);
    else piped.push(pipedParam(of, key, param));
  }
  addUndecorated(of, piped, contexts);
  const payload = piped.find(isWholePayload) ?? piped.find(({ metadata }) => metadata.type === 'body');
  const kept = of.isBatch || payload === undefined ? undefined : types?.[payload.index];
  return { piped, contexts, payloadType: declared ?? (payload && isWholePayload(payload) ? kept : undefined) };
}

/** Whether it receives the payload, not a field of it. */
export function isWholePayload({ metadata }: PipedParam): boolean {
  return metadata.type === 'body' && typeof metadata.data !== 'string';
}

/** Of the parameters without decorators, the first receives the payload and the next one the context. */
function addUndecorated(method: Method, piped: PipedParam[], contexts: number[]): void {
  const taken = new Set([...contexts, ...piped.map(({ index }) => index)]);
  const next = (): number => {
    let index = 0;
    while (taken.has(index)) index++;
    taken.add(index);
    return index;
  };
  const declaresContext = (index: number): boolean => isContextType(method.types?.[index]);
  const isCustomOnly =
    piped.length > 0 && piped.every(({ metadata, ofMessage }) => metadata.type === 'custom' && !ofMessage);
  if (!piped.some(({ metadata }) => metadata.type === 'body') && !isCustomOnly) {
    const index = next();
    if (declaresContext(index)) contexts.push(index);
    else piped.push(pipedParam(method, `${PAYLOAD_PARAM}:`, { index }));
  }
  if (contexts.length === 0) contexts.push(next());
}

function isContextType(type: unknown): boolean {
  return isSameClass(type, RocketMQContext) || isSameClass(type, RocketMQBatchContext);
}

/** Nest keeps the same of the microservices' @Ctx() and of HTTP's @Headers(): only the declared type tells them apart. */
function isContext({ name, types }: Method, key: string, { data, index, isContext: marked }: ParamMetadata): boolean {
  if (marked) return true;
  if (!key.startsWith(`${CONTEXT_OR_HEADERS_PARAM}:`) || data !== undefined) return false;
  if (isContextType(types?.[index])) return true;
  throw new InvalidListenerError(
    name,
    `parameter ${index + 1} has the @Ctx() of @nestjs/microservices or the @Headers() of @nestjs/common, which look alike at ` +
      `run time. Import { Ctx, Headers } from 'nest-rocketmq' instead, or declare the context's type, RocketMQContext.`,
  );
}

function pipedParam({ name, types, declared, isBatch }: Method, key: string, param: ParamMetadata): PipedParam {
  const { index, data, pipes = [], factory, schema, ofMessage } = param;
  const metatype = isBatch ? undefined : types?.[index];
  if (ofMessage) return deliveryParam(param, metatype, ofMessage);
  if (key.includes(CUSTOM_ROUTE_ARGS_METADATA)) {
    const value = (_payload: unknown, execution: ExecutionContext): unknown => factory?.(data, execution);
    return { index, pipes, metadata: { type: 'custom', metatype, data, schema }, value };
  }
  if (key.startsWith(`${CONTEXT_OR_HEADERS_PARAM}:`)) {
    return deliveryParam(param, metatype, (context) => headerOf(context, String(data)));
  }
  if (!key.startsWith(`${PAYLOAD_PARAM}:`)) {
    throw new InvalidListenerError(
      name,
      `parameter ${index + 1} has a decorator without a meaning for messages, such as @Req() or @Param(). A listener takes ` +
        `(payload, context), and from 'nest-rocketmq' @Payload(), @Headers(), @Header(), @Keys(), @Tag() and @Ctx(). For ` +
        `more, use createParamDecorator.`,
    );
  }
  const value = (payload: unknown): unknown =>
    typeof data === 'string' ? (payload as Record<string, unknown> | null | undefined)?.[data] : payload;
  const payloadType = typeof data === 'string' ? metatype : (declared ?? metatype);
  return { index, pipes, metadata: { type: 'body', metatype: payloadType, data, schema }, value, ofPayload: value };
}

function deliveryParam(
  { index, pipes = [], data }: ParamMetadata,
  metatype: unknown,
  ofMessage: OfMessage,
): PipedParam {
  const value = (_payload: unknown, execution: ExecutionContext): unknown =>
    ofMessage(execution.switchToRpc().getContext<RocketMQContext>());
  return { index, pipes, metadata: { type: 'custom', metatype, data }, value, ofMessage };
}
