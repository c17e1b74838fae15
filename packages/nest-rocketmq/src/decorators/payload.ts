// Declares @Payload, the decorator of the parameter that receives the payload or a field of it.
import { PAYLOAD_PARAM } from './listener-params.js';
import { markParam } from './mark-param.js';
import type { ParamPipe } from './mark-param.js';

/**
 * Marks the parameter that receives the payload: `onMessage(@Payload() order: Order)`. TypeScript then keeps its type, which
 * a ValidationPipe needs. `@Payload('id') id: string` receives a field of it; a batch listener, a list of that field.
 * @param field a field of the payload; or the first pipe
 * @param pipes run after those of the method, for this parameter alone
 */
export function Payload(field?: string | ParamPipe, ...pipes: ParamPipe[]): ParameterDecorator {
  if (typeof field === 'string') return markParam(PAYLOAD_PARAM, { data: field, pipes });
  return markParam(PAYLOAD_PARAM, { data: undefined, pipes: field === undefined ? pipes : [field, ...pipes] });
}
