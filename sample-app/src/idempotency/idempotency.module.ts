// Provides the record of processed messages, and sets the size of the filter in front of it.
import { Module } from '@nestjs/common';
import { BloomFilter } from './bloom-filter.js';
import { ProcessedMessages } from './processed-messages.js';
import { SeenFilter } from './seen-filter.js';

/** 180 KB of memory; one message in a thousand causes a needless query. */
const FILTER = { expectedItems: 100_000, falsePositiveRate: 0.001 };

@Module({
  providers: [ProcessedMessages, { provide: SeenFilter, useFactory: () => new BloomFilter(FILTER) }],
  exports: [ProcessedMessages],
})
export class IdempotencyModule {}
