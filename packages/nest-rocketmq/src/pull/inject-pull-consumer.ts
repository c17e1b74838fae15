// Declares the injection of pull consumers: their tokens, providers and decorator.
import { Inject, Module } from '@nestjs/common';
import type { FactoryProvider } from '@nestjs/common';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { PullConsumers } from './pull-consumers.js';
import type { PullConsumerOptions } from './pull-consumer-options.js';
import type { RocketMQPullConsumer } from './rocketmq-pull-consumer.js';

const DEFAULT_NAME = 'default';

/** The injection token of a pull consumer, for `overrideProvider` in tests. @param name its option; default: the unnamed one */
export function getPullConsumerToken(name = DEFAULT_NAME): symbol {
  return Symbol.for(`nest-rocketmq:pull-consumer:${name}`);
}

/**
 * Injects a `RocketMQPullConsumer` of the option `pullConsumers`, of forRoot or of the forFeature that the module imports.
 * @param name its option; default: the one without a name
 */
export function InjectPullConsumer(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getPullConsumerToken(name));
}

/** @param where what the user called, for errors @throws InvalidOptionError */
export function pullConsumerProviders(given: readonly PullConsumerOptions[], where: string): FactoryProvider[] {
  if (!Array.isArray(given)) {
    throw new InvalidOptionError(
      'pullConsumers',
      given,
      "a list such as [{ group: 'reports', topics: ['order'] }]",
      where,
    );
  }
  const tokens = new Set<symbol>();
  return (given as PullConsumerOptions[]).map((options) => {
    const provide = getPullConsumerToken(options?.name);
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
      inject: [PullConsumers],
      useFactory: (all: PullConsumers): RocketMQPullConsumer => all.create(options, where),
    };
  });
}

/** What `RocketMQModule.forFeature` returns is made of. Not for the app. */
@Module({})
export class RocketMQFeatureModule {}
