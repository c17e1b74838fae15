// Defines a request or an answer as it is sent, before its header fields have types.

export type SerializeType = 'json' | 'binary';

export interface RemotingCommand {
  /** request code, or response code in an answer */
  code: number;
  /** a name of LANGUAGES */
  language: string;
  /** ordinal of Apache's MQVersion */
  version: number;
  /** chosen by the asking side, echoed in the answer */
  opaque: number;
  /** bit 0: this is an answer; bit 1: no answer is wanted */
  flag: number;
  remark: string | undefined;
  /** header fields as text; without prototype, since peers choose the names */
  extFields: Record<string, string>;
  /** empty when there is none */
  body: Buffer;
  serializeType: SerializeType;
}

export const RESPONSE_FLAG = 1;
export const ONEWAY_FLAG = 2;

export const NO_BODY: Buffer = Buffer.alloc(0);

export const isResponse = (command: { flag: number }): boolean => (command.flag & RESPONSE_FLAG) !== 0;
export const isOneway = (command: { flag: number }): boolean => (command.flag & ONEWAY_FLAG) !== 0;

export function emptyFields(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}
