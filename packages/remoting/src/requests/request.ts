// Defines a row of the request table, from which callers and handlers infer their types.
import { compileHeader } from './field.js';
import type { Fields, HeaderCodec, HeaderOfFields } from './field.js';

export type Receiver = 'broker' | 'namesrv' | 'client';

export interface RequestRow<H extends Fields = Fields, R extends Fields = Fields, To extends Receiver = Receiver> {
  readonly code: number;
  readonly name: string;
  readonly receivers: readonly To[];
  readonly fields: H;
  readonly replyFields: R;
  readonly header: HeaderCodec<HeaderOfFields<H>>;
  readonly reply: HeaderCodec<HeaderOfFields<R>>;
}

export type HeaderOf<Row> = Row extends RequestRow<infer H, infer _R, infer _T> ? HeaderOfFields<H> : never;
export type ReplyHeaderOf<Row> = Row extends RequestRow<infer _H, infer R, infer _T> ? HeaderOfFields<R> : never;
export type ReceiversOf<Row> = Row extends RequestRow<infer _H, infer _R, infer T> ? T : never;

/** What a handler returns for a request. */
export interface Answer<Row = unknown> {
  /** response code; default SUCCESS */
  readonly code?: number;
  readonly remark?: string | undefined;
  readonly header?: ReplyHeaderOf<Row>;
  /** one buffer, or several that are sent one behind the other without being joined */
  readonly body?: Buffer | readonly Buffer[];
  /** header fields outside of the row's own */
  readonly extFields?: Record<string, string>;
}

/**
 * Declares a request.
 * @param code Apache's request code
 * @param to who may receive it
 * @param fields its header, reply its answer's header; both by Apache's field names
 */
export function request<To extends Receiver, H extends Fields = {}, R extends Fields = {}>(
  code: number,
  name: string,
  to: readonly To[],
  fields: H = {} as H,
  reply: R = {} as R,
): RequestRow<H, R, To> {
  return {
    code,
    name,
    receivers: to,
    fields,
    replyFields: reply,
    header: compileHeader(fields),
    reply: compileHeader(reply),
  };
}
