// Defines the options of `RocketMQTemplate.receive`, and checks them.
import { checkGroup } from '../message/destination.js';
import { PAYLOAD_KINDS } from '../message/message-converter.js';
import type { PayloadKind } from '../message/message-converter.js';
import { checkBoolean, checkKeys, checkOneOf } from '../option-checks.js';
import type { PullOptions } from './rocketmq-pull-consumer.js';

/** Options of `RocketMQTemplate.receive`. */
export interface ReceiveOptions extends PullOptions {
  /** The consumer group. Default: the module's `group`, '-' and the topic. */
  group?: string;
  /** What payloads are decoded to: the parsed JSON, the body as text, or its bytes. Default 'json'. */
  payload?: PayloadKind;
  /**
   * Whether the group remembers what was consumed. With false each start of the app begins with the oldest message. The first
   * call of a group decides. Default true.
   */
  storeOffsets?: boolean;
}

const OPTIONS = ['max', 'timeout', 'group', 'payload', 'storeOffsets'];

/** @throws InvalidOptionError */
export function checkReceive(options: ReceiveOptions): void {
  checkKeys('options', options, OPTIONS);
  if (options.group !== undefined) checkGroup('group', options.group);
  if (options.payload !== undefined) checkOneOf('payload', options.payload, PAYLOAD_KINDS);
  if (options.storeOffsets !== undefined) checkBoolean('storeOffsets', options.storeOffsets);
}
