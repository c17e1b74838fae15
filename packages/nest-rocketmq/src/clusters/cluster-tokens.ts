// Declares how an app injects the parts of a cluster by its name.
import { Inject } from '@nestjs/common';
import type { InjectionToken } from '@nestjs/common';
import { RocketMQAdmin } from '../admin/rocketmq-admin.js';
import { RocketMQHealth } from '../health/rocketmq-health.js';
import { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { ROCKETMQ_BACKEND, ROCKETMQ_OPTIONS, clusterToken } from '../rocketmq.tokens.js';
import { RocketMQTemplate } from '../template/rocketmq-template.js';

/**
 * The injection token of a template, for `overrideProvider` in tests.
 * @param name of `forRoot({ name })`, or of a template of `forFeature`; default: the unnamed cluster's, which is the class
 */
export function getRocketMQTemplateToken(name?: string): InjectionToken {
  return clusterToken(RocketMQTemplate, 'template', name);
}

/** The injection token of a cluster's `RocketMQAdmin`. @param cluster `name` of its forRoot; default: the unnamed one */
export function getRocketMQAdminToken(cluster?: string): InjectionToken {
  return clusterToken(RocketMQAdmin, 'admin', cluster);
}

/** The injection token of a cluster's `RocketMQHealth`. @param cluster `name` of its forRoot; default: the unnamed one */
export function getRocketMQHealthToken(cluster?: string): InjectionToken {
  return clusterToken(RocketMQHealth, 'health', cluster);
}

/** The injection token of a cluster's `RocketMQListeners`. @param cluster `name` of its forRoot; default: the unnamed one */
export function getRocketMQListenersToken(cluster?: string): InjectionToken {
  return clusterToken(RocketMQListeners, 'listeners', cluster);
}

/**
 * The token of a cluster's options as given to its forRoot or forRootAsync. Override it in a test to change them.
 * @param cluster `name` of its forRoot; default: the unnamed one, whose token is ROCKETMQ_OPTIONS
 */
export function getRocketMQOptionsToken(cluster?: string): InjectionToken {
  return clusterToken(ROCKETMQ_OPTIONS, 'options', cluster);
}

/** The token of a cluster's backend. @param cluster `name` of its forRoot; default: the unnamed one, ROCKETMQ_BACKEND */
export function getRocketMQBackendToken(cluster?: string): InjectionToken {
  return clusterToken(ROCKETMQ_BACKEND, 'backend', cluster);
}

/** Injects a `RocketMQTemplate`. @param name as for `getRocketMQTemplateToken` */
export function InjectRocketMQTemplate(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getRocketMQTemplateToken(name));
}

/** Injects a cluster's `RocketMQAdmin`. @param cluster `name` of its forRoot; default: the unnamed one */
export function InjectRocketMQAdmin(cluster?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getRocketMQAdminToken(cluster));
}

/** Injects a cluster's `RocketMQHealth`. @param cluster `name` of its forRoot; default: the unnamed one */
export function InjectRocketMQHealth(cluster?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getRocketMQHealthToken(cluster));
}

/** Injects a cluster's `RocketMQListeners`. @param cluster `name` of its forRoot; default: the unnamed one */
export function InjectRocketMQListeners(cluster?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getRocketMQListenersToken(cluster));
}
