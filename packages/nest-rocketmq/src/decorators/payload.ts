// @Payload, for the parameter of a listener that takes the payload.
import type { PipeTransform, Type } from '@nestjs/common';
import { PAYLOAD_PARAM } from './listener-params.js';
import { ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';

type Pipe = Type<PipeTransform> | PipeTransform;

/**
 * Marks the parameter that is given the payload, and makes TypeScript keep its type, by which a ValidationPipe
 * validates: `onMessage(@Payload() order: Order)`. The pipes run after those of the method, on this parameter alone.
 */
export function Payload(...pipes: Pipe[]): ParameterDecorator {
  return (target, method, index) => {
    const type = target.constructor;
    // Under Nest's own key, so that Nest makes the pipes that are given as classes.
    const params = (Reflect.getMetadata(ROUTE_ARGS_METADATA, type, method!) ?? {}) as object;
    const param = { index, data: undefined, pipes };
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, { ...params, [`${PAYLOAD_PARAM}:${index}`]: param }, type, method!);
  };
}
