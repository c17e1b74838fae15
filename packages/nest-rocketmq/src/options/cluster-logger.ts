// Names the cluster in log lines.
import { Logger } from '@nestjs/common';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';

/** A logger with the context 'RocketMQ', or 'RocketMQ billing' for a cluster of that name. */
export function loggerOf({ name }: { readonly name: string }): Logger {
  return new Logger(name === DEFAULT_CLUSTER ? 'RocketMQ' : `RocketMQ ${name}`);
}
