// Starts and stops the outbox with the app.
import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { CheckedOutboxOptions } from './outbox-options.js';
import { OUTBOX_CLUSTER, OUTBOX_OPTIONS } from './outbox.tokens.js';
import { RocketMQOutbox } from './rocketmq-outbox.js';
import { refuseSharedTable } from './shared-table.js';

@Injectable()
export class OutboxLifecycle implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly outbox: RocketMQOutbox,
    @Inject(OUTBOX_OPTIONS) private readonly options: CheckedOutboxOptions,
    @Inject(OUTBOX_CLUSTER) private readonly cluster: string,
    private readonly modules: ModulesContainer,
  ) {}

  async onModuleInit(): Promise<void> {
    refuseSharedTable(this.modules, this.cluster, this.options);
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
