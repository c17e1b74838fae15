// Determines what each parameter of a listener's method is: the payload, the context, or a custom decorator's value.
import type { ExecutionContext } from '@nestjs/common';
import { InvalidListenerError } from '../errors.js';
import type { MessageListenerOptions, MethodKey, PayloadType } from './listener-metadata.js';
import { CUSTOM_ROUTE_ARGS_METADATA, PARAMTYPES_METADATA, ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';

/** Nest's number of @Body() and of the microservices' @Payload(). */
export const PAYLOAD_PARAM = 3;
/** Nest's number of the microservices' @Ctx(). Over HTTP the same number is @Query(). */
const CONTEXT_PARAM = 4;

/** The positions of undecorated parameters. */
const PAYLOAD_INDEX = 0;
const CONTEXT_INDEX = 1;

/** A parameter whose value goes through pipes. */
export interface PipedParam {
  readonly index: number;
  /** What pipes are told about it. Only Nest 12 has `schema`. */
  readonly metadata: { type: 'body' | 'custom'; metatype?: unknown; data?: unknown; schema?: unknown };
  /** The pipes bound to the parameter itself: instances and classes. */
  readonly pipes: readonly unknown[];
  value(payload: unknown, execution: ExecutionContext): unknown;
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
}

/** @throws InvalidListenerError for a parameter decorator that has no meaning for a message */
export function paramsOf(
  name: string,
  type: object,
  method: MethodKey,
  { payloadType: declared, batch }: Pick<MessageListenerOptions, 'payloadType' | 'batch'>,
): ListenerParams {
  const { prototype } = type as { prototype: object };
  // Of a list of messages TypeScript keeps `Array`, which is no payload's class.
  const types = batch ? undefined : keptTypes(prototype, method);
  const decorated = Object.entries(
    (Reflect.getMetadata(ROUTE_ARGS_METADATA, type, method) ?? {}) as Record<string, ParamMetadata>,
  );
  const piped: PipedParam[] = [];
  const contexts: number[] = [];
  for (const [key, param] of decorated) {
    if (isContext(key, param)) contexts.push(param.index);
    else piped.push(pipedParam(name, key, param, types, declared));
  }
  const taken = new Set([...piped.map(({ index }) => index), ...contexts]);
  const payload = piped.find(({ metadata }) => metadata.type === 'body');
  if (!payload && !taken.has(PAYLOAD_INDEX)) {
    piped.push(pipedParam(name, `${PAYLOAD_PARAM}:`, { index: PAYLOAD_INDEX }, types, declared));
  }
  if (contexts.length === 0) {
    const free = [CONTEXT_INDEX, PAYLOAD_INDEX].find((index) => piped.every((param) => param.index !== index));
    if (free !== undefined) contexts.push(free);
  }
  const payloadType = declared ?? types?.[payload?.index ?? PAYLOAD_INDEX];
  return { piped, contexts, payloadType };
}

function keptTypes(prototype: object, method: MethodKey): unknown[] | undefined {
  return Reflect.getMetadata(PARAMTYPES_METADATA, prototype, method) as unknown[] | undefined;
}

function isContext(key: string, { data }: ParamMetadata): boolean {
  return key.startsWith(`${CONTEXT_PARAM}:`) && data === undefined;
}

function pipedParam(
  name: string,
  key: string,
  { index, data, pipes = [], factory, schema }: ParamMetadata,
  types: unknown[] | undefined,
  declared: PayloadType | undefined,
): PipedParam {
  const metatype = types?.[index];
  if (key.includes(CUSTOM_ROUTE_ARGS_METADATA)) {
    const value = (_payload: unknown, execution: ExecutionContext): unknown => factory?.(data, execution);
    return { index, pipes, metadata: { type: 'custom', metatype, data, schema }, value };
  }
  if (!key.startsWith(`${PAYLOAD_PARAM}:`)) {
    throw new InvalidListenerError(
      name,
      `parameter ${index + 1} has a decorator without a meaning for messages, such as @Req() or @Param(). ` +
        `A listener takes (payload, context). For more, use createParamDecorator.`,
    );
  }
  const value = (payload: unknown): unknown =>
    typeof data === 'string' ? (payload as Record<string, unknown> | null | undefined)?.[data] : payload;
  const payloadType = typeof data === 'string' ? metatype : (declared ?? metatype);
  return { index, pipes, metadata: { type: 'body', metatype: payloadType, data, schema }, value, ofPayload: value };
}
