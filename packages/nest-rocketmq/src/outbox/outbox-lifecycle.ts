// Starts and stops the outbox with the app.
import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { CheckedOutboxOptions } from './outbox-options.js';
import { OUTBOX_OPTIONS } from './outbox.tokens.js';
import { RocketMQOutbox } from './rocketmq-outbox.js';

@Injectable()
export class OutboxLifecycle implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly outbox: RocketMQOutbox,
    @Inject(OUTBOX_OPTIONS) private readonly options: CheckedOutboxOptions,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.options.createTable) await this.outbox.createTable();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.outbox.start();
  }

  /** Not earlier: listeners have ended now. Not later: the connection to the broker is closed in the last phase. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.outbox.stop();
  }
}
