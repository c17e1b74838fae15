// Declares the injection tokens of the outbox. Global symbols, so that both module formats share them.
import type { InjectionToken } from '@nestjs/common';
import { clusterToken } from '../rocketmq.tokens.js';

/** The token of the options as given. Override it in a test to give another database. */
export const ROCKETMQ_OUTBOX_OPTIONS = Symbol.for('nest-rocketmq:outbox-options');

/** The token of the checked options. */
export const OUTBOX_OPTIONS = Symbol.for('nest-rocketmq:outbox-checked-options');

/** The token of the checked options of a cluster's outbox. */
export function checkedOptionsToken(cluster: string): InjectionToken {
  return clusterToken(OUTBOX_OPTIONS, 'outbox-checked-options', cluster);
}

/** The token of the name of the cluster that the outbox sends to. */
export const OUTBOX_CLUSTER = Symbol.for('nest-rocketmq:outbox-cluster');

/**
 * The token of the options of a cluster's outbox, for `overrideProvider` in tests.
 * @param cluster option of its forRoot; default: the unnamed one, ROCKETMQ_OUTBOX_OPTIONS
 */
export function getRocketMQOutboxOptionsToken(cluster?: string): InjectionToken {
  return clusterToken(ROCKETMQ_OUTBOX_OPTIONS, 'outbox-options', cluster);
}
