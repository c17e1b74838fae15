// Declares how an app injects the outbox of a cluster.
import { Inject } from '@nestjs/common';
import type { InjectionToken } from '@nestjs/common';
import { clusterToken } from '../rocketmq.tokens.js';
import { RocketMQOutbox } from './rocketmq-outbox.js';

/** The injection token of a cluster's outbox. @param cluster option of its forRoot; default: the unnamed one, the class */
export function getRocketMQOutboxToken(cluster?: string): InjectionToken {
  return clusterToken(RocketMQOutbox, 'outbox', cluster);
}

/** Injects a cluster's `RocketMQOutbox`. @param cluster option of its forRoot; default: the unnamed one */
export function InjectRocketMQOutbox(cluster?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getRocketMQOutboxToken(cluster));
}
