// Deletes old records of the transaction log every hour.
import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { PostgresTransactionLog } from 'nest-rocketmq';
import { reasonOf } from '../start-error.js';

const HOUR_MS = 3_600_000;
/** As long as brokers keep messages: one that was down for days asks when it is back. */
const KEPT_MS = 72 * HOUR_MS;

@Injectable()
export class TransactionLogCleanup implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TransactionLogCleanup.name);
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly log: PostgresTransactionLog) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.#deleteOld(), HOUR_MS).unref();
  }

  /** Before the database closes. */
  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async #deleteOld(): Promise<void> {
    try {
      await this.log.deleteOld(KEPT_MS);
    } catch (error) {
      this.logger.warn(`old records of the transaction log were not deleted, next try in an hour: ${reasonOf(error)}`);
    }
  }
}
