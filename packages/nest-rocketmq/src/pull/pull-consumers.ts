// Keeps the app's pull consumers, and starts and ends them with the app.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@nestjs/common';
import type { SubscribedGroup } from '../listeners/subscribed-group.js';
import { inside } from '../option-checks.js';
import { loggerOf } from '../options/cluster-logger.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { RocketMQConnection } from '../rocketmq-connection.js';
import { ROCKETMQ_RESOLVED_OPTIONS } from '../rocketmq.tokens.js';
import { checkPullConsumer } from './pull-consumer-options.js';
import type { DeclaredPullConsumer, PullConsumerOptions } from './pull-consumer-options.js';
import { RocketMQPullConsumer } from './rocketmq-pull-consumer.js';

@Injectable()
export class PullConsumers {
  readonly #logger: Logger;
  readonly #all = new Set<RocketMQPullConsumer>();
  #started = false;

  constructor(
    private readonly connection: RocketMQConnection,
    @Inject(ROCKETMQ_RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.#logger = loggerOf(options.cluster);
  }

  /** A consumer that ends with the app. @param where what the user called, for errors @throws InvalidOptionError */
  create(options: DeclaredPullConsumer, where: string): RocketMQPullConsumer {
    const checked = inside(where, 'pullConsumers', () =>
      checkPullConsumer(this.options.reader.read<PullConsumerOptions>(options)),
    );
    const consumer = new RocketMQPullConsumer(this.connection, checked, this.options.messageConverter);
    this.#all.add(consumer);
    return consumer;
  }

  /** Does nothing for those that have started when they were asked, and none that the option `consumers` switches off. @throws as `RocketMQPullConsumer.start` */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    const here = [...this.#all].filter(({ group }) => this.options.consumers.isOn(group));
    await Promise.all(here.map((consumer) => consumer.start()));
  }

  /** What those of them that run here consume. @internal */
  subscribed(): SubscribedGroup[] {
    return [...this.#all].filter(({ group }) => this.options.consumers.isOn(group)).map((each) => each.subscribed());
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#all].map((consumer) => this.#close(consumer)));
  }

  /** An error in one must not keep the others from ending. */
  async #close(consumer: RocketMQPullConsumer): Promise<void> {
    try {
      await consumer.close(this.options.shutdownTimeout);
    } catch (error) {
      this.#logger.error(`pull consumer ${consumer.group} did not stop cleanly: ${String(error)}`);
    }
  }
}
