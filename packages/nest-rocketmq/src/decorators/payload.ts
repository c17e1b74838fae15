// Declares @Payload, the decorator of the parameter that receives the payload.
import type { PipeTransform, Type } from '@nestjs/common';
import { PAYLOAD_PARAM } from './listener-params.js';
import { ROUTE_ARGS_METADATA } from '../nest/nest-metadata.js';

type Pipe = Type<PipeTransform> | PipeTransform;

/**
 * Marks the parameter that receives the payload: `onMessage(@Payload() order: Order)`. TypeScript then keeps its type, which
 * a ValidationPipe needs.
 * @param pipes run after those of the method, for this parameter alone
 */
export function Payload(...pipes: Pipe[]): ParameterDecorator {
  return (target, method, index) => {
    const type = target.constructor;
    // Under Nest's own key: Nest then creates the pipes that are given as classes.
    const params = (Reflect.getMetadata(ROUTE_ARGS_METADATA, type, method!) ?? {}) as object;
    const param = { index, data: undefined, pipes };
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, { ...params, [`${PAYLOAD_PARAM}:${index}`]: param }, type, method!);
  };
}
