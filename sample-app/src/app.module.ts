// Assembles the app.
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { PostgresTransactionLog, RocketMQModule } from 'nest-rocketmq';
import type { RocketMQModuleOptions } from 'nest-rocketmq';
import { SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import { AppConfig } from './config.js';
import { DatabaseModule } from './database/database.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { StockModule } from './stock/stock.module.js';

/** Saves new messages the query whether they came before, all but one in a thousand. The store has the last word. 360 KB. */
const BLOOM = { expectedKeys: 100_000, falsePositiveRate: 0.001 };

@Module({})
export class AppModule {
  /** @param config from the environment in production, an object in tests */
  static register(config: AppConfig): DynamicModule {
    return {
      module: AppModule,
      global: true,
      imports: [
        RocketMQModule.forRootAsync({
          imports: [DatabaseModule],
          inject: [PostgresTransactionLog, SqlIdempotencyStore],
          useFactory: (transactionLog: PostgresTransactionLog, store: SqlIdempotencyStore): RocketMQModuleOptions => ({
            ...config.rocketmq,
            transactionLog,
            idempotency: { store, bloom: BLOOM, ...config.rocketmq.idempotency },
          }),
        }),
        DatabaseModule,
        StockModule,
        OrdersModule,
        PaymentsModule,
      ],
      providers: [{ provide: AppConfig, useValue: config }],
      exports: [AppConfig],
    };
  }
}
