// Declares the injection of pull consumers: their tokens, providers and decorator.
import { Inject } from '@nestjs/common';
import type { FactoryProvider, InjectionToken } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { PullConsumers } from './pull-consumers.js';
import { requirePart } from '../single-module.js';
import { DEFAULT_CLUSTER, clusterToken } from '../rocketmq.tokens.js';
import type { DeclaredPullConsumer } from './pull-consumer-options.js';
import type { RocketMQPullConsumer } from './rocketmq-pull-consumer.js';

const DEFAULT_NAME = 'default';

/**
 * The injection token of a pull consumer, for `overrideProvider` in tests.
 * @param name its option; default: the unnamed one
 * @param cluster `name` of the forRoot that it belongs to; default: the unnamed one
 */
export function getPullConsumerToken(name = DEFAULT_NAME, cluster = DEFAULT_CLUSTER): symbol {
  return Symbol.for(`nest-rocketmq:pull-consumer:${cluster === DEFAULT_CLUSTER ? '' : `${cluster}:`}${name}`);
}

/**
 * Injects a `RocketMQPullConsumer` of the option `pullConsumers`, of forRoot or of the forFeature that the module imports.
 * @param name its option; default: the one without a name
 * @param cluster `name` of the forRoot that it belongs to; default: the unnamed one
 */
export function InjectPullConsumer(name?: string, cluster?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getPullConsumerToken(name, cluster));
}

/** @param where what the user called, for errors @throws InvalidOptionError */
export function pullConsumerProviders(
  given: readonly DeclaredPullConsumer[],
  where: string,
  cluster: string,
): FactoryProvider[] {
  if (!Array.isArray(given)) {
    throw new InvalidOptionError(
      'pullConsumers',
      given,
      "a list such as [{ group: 'reports', topics: ['order'] }]",
      where,
    );
  }
  const tokens = new Set<symbol>();
  return (given as DeclaredPullConsumer[]).map((options) => {
    const provide = getPullConsumerToken(options?.name, cluster);
    if (tokens.has(provide)) {
      throw new InvalidOptionError(
        'pullConsumers',
        given,
        `each with another name; two are called ${options.name}`,
        where,
      );
    }
    tokens.add(provide);
    return {
      provide,
      inject: [ModulesContainer, { token: pullConsumersToken(cluster), optional: true }],
      useFactory: (modules: ModulesContainer, all?: PullConsumers): RocketMQPullConsumer =>
        requirePart(all, modules, cluster, where).create(options, where),
    };
  });
}

/** The token of a cluster's `PullConsumers`. */
export function pullConsumersToken(cluster: string): InjectionToken {
  return clusterToken(PullConsumers, 'pull-consumers', cluster);
}
