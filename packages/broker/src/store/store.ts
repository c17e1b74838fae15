// Owns the door of the store. (Signatures first; the parts behind it are being put in.)
import type { AppendResult, ArrivedListener, CommittedListener, GetResult, MessageFilter, MessageInner, QueryResult, QueueEntry, StoreMetrics, StoreOptions } from './types.js';
export * from './types.js';

const todo = (): never => {
  throw new Error('not there yet');
};

export class MessageStore {
  /** Recovers first: resolves when everything that was committed can be read. @throws StoreLockedError */
  static open(options: StoreOptions): Promise<MessageStore> {
    void options;
    return todo();
  }
  /** Why appends are refused now; undefined while they are taken. */
  get refusal(): string | undefined { return todo(); }
  get metrics(): StoreMetrics { return todo(); }
  append(message: MessageInner): AppendResult { void message; return todo(); }
  /** All or none. */
  appendBatch(messages: readonly MessageInner[]): AppendResult[] { void messages; return todo(); }
  /** Writes what was appended now, instead of after the current poll phase. */
  commit(): void { todo(); }
  /** Resolves when all that was appended before is committed or refused. */
  settled(): Promise<void> { return todo(); }
  onCommitted(listener: CommittedListener): void { void listener; todo(); }
  onArrived(listener: ArrivedListener): void { void listener; todo(); }
  getMessage(topic: string, queueId: number, offset: number, maxCount: number, maxBytes: number, filter?: MessageFilter): GetResult { void [topic, queueId, offset, maxCount, maxBytes, filter]; return todo(); }
  readRecord(physicalOffset: number, size?: number): Buffer | undefined { void [physicalOffset, size]; return todo(); }
  readConsumeQueue(topic: string, queueId: number, index: number): QueueEntry | undefined { void [topic, queueId, index]; return todo(); }
  minOffset(topic: string, queueId: number): number { void [topic, queueId]; return todo(); }
  /** Exclusive; counts what is appended and not yet committed too only in AppendResult, not here. */
  maxOffset(topic: string, queueId: number): number { void [topic, queueId]; return todo(); }
  offsetByTimestamp(topic: string, queueId: number, timestamp: number, boundary: 'LOWER' | 'UPPER'): number { void [topic, queueId, timestamp, boundary]; return todo(); }
  storeTimestampAt(topic: string, queueId: number, index: number): number | undefined { void [topic, queueId, index]; return todo(); }
  queryByKey(topic: string, key: string, maxNum: number, beginMs: number, endMs: number): QueryResult { void [topic, key, maxNum, beginMs, endMs]; return todo(); }
  queues(): Iterable<{ topic: string; queueId: number }> { return todo(); }
  deleteTopic(topic: string): void { void topic; todo(); }
  close(): Promise<void> { return todo(); }
}
