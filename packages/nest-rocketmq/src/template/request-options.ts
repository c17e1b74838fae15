// Defines the options of the template's requests, and checks them.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { AskOptions } from '@nest-rocketmq/client';
import type { DelayOptions, Duration } from '../message/delay.js';
import { PAYLOAD_KINDS } from '../message/message-converter.js';
import type { PayloadKind } from '../message/message-converter.js';
import type { MessageOptions } from '../message/outgoing-message.js';
import { checkOneOf } from '../option-checks.js';
import { SEND_OPTIONS, settingsOf } from './send-options.js';
import type { QueueOptions } from './send-options.js';

/** Options of `RocketMQTemplate.request`. */
export interface RequestOptions extends MessageOptions, DelayOptions, QueueOptions {
  /** The time for the request and its reply together: ms, or a length such as '5s'. Default: the producer's, 3000 ms. */
  timeout?: Duration;
  /** Gives the request up: it rejects with the signal's reason. Whoever answers is not told. */
  signal?: AbortSignal;
  /** What the reply is decoded to: the parsed JSON, the body as text, or its bytes. Default 'json'. */
  payload?: PayloadKind;
  /** Called with the reply's properties before its body is decoded. @internal */
  onReply?: (properties: ReadonlyMap<string, string>) => void;
}

export const REQUEST_OPTIONS = [...SEND_OPTIONS, 'signal', 'payload', 'onReply'] as const;

/** @throws InvalidOptionError */
export function askOptionsOf(options: RequestOptions): AskOptions {
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidOptionError('signal', signal, 'an AbortSignal');
  }
  return { ...settingsOf(options), ...(signal && { signal }) };
}

/** @throws InvalidOptionError */
export function payloadKindOf({ payload = 'json' }: RequestOptions): PayloadKind {
  return checkOneOf('payload', payload, PAYLOAD_KINDS);
}
