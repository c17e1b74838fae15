// Builds the commands that a connection sends: requests, and answers to them.
import { RESPONSE_FLAG, emptyFields, NO_BODY } from '../frame/command.js';
import type { RemotingCommand, SerializeType } from '../frame/command.js';
import { OUR_LANGUAGE, OUR_VERSION } from '../requests/language.js';
import type { Answer, RequestRow } from '../requests/request.js';
import { ResponseCode } from '../requests/response-code.js';

export interface RequestOptions {
  readonly body?: Buffer;
  /** ms; default 3000 */
  readonly timeout?: number;
  readonly remark?: string;
  /** header fields outside of the row's own */
  readonly extFields?: Record<string, string>;
}

export const DEFAULT_REQUEST_TIMEOUT_MS = 3000;

/** With a JSON header. @param flag of the command */
export function requestCommand(
  row: RequestRow,
  header: object,
  options: RequestOptions,
  flag: number,
  opaque: number,
): RemotingCommand {
  const extFields = emptyFields();
  if (options.extFields) Object.assign(extFields, options.extFields);
  row.header.encode(header, extFields);
  return {
    code: row.code,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque,
    flag,
    remark: options.remark,
    extFields,
    body: options.body ?? NO_BODY,
    serializeType: 'json',
  };
}

/** In the form of its request. @param body instead of the answer's own */
export function answerCommand<Row extends RequestRow>(
  request: { readonly opaque: number; readonly serializeType: SerializeType },
  row: Row | undefined,
  answer: Answer<Row>,
  body: Buffer,
): RemotingCommand {
  const extFields = emptyFields();
  if (answer.extFields) Object.assign(extFields, answer.extFields);
  if (row && answer.header) row.reply.encode(answer.header as never, extFields);
  return {
    code: answer.code ?? ResponseCode.SUCCESS,
    language: OUR_LANGUAGE,
    version: OUR_VERSION,
    opaque: request.opaque,
    flag: RESPONSE_FLAG,
    remark: answer.remark,
    extFields,
    body,
    serializeType: request.serializeType,
  };
}
