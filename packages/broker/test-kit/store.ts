// Makes small stores in memory for tests, with their messages, and reads them back.
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { memoryFileSystem } from '../src/store/files/memory-file-system.js';
import type { MemoryFileSystem } from '../src/store/files/memory-file-system.js';
import { MessageStore } from '../src/store/store.js';
import type { MessageInner, StoreOptions } from '../src/store/store.js';
import { RecordView } from '../src/store/commitlog/record.js';
import { hashText } from '../src/store/commitlog/record-properties.js';

export const ROOT = '/store';
export const HOST = { address: Buffer.from([127, 0, 0, 1]), port: 10911 };

export function storeOptions(more: Partial<StoreOptions> = {}): StoreOptions {
  return {
    fileSystem: memoryFileSystem(),
    root: ROOT,
    clock: new ManualClock(1_700_000_000_000),
    storeHost: HOST,
    mappedFileSizeCommitLog: 65_536,
    mappedFileSizeConsumeQueue: 2_000,
    maxHashSlotNum: 500,
    maxIndexNum: 2_000,
    maxMessageSize: 16_384,
    ...more,
  };
}

export function openStore(more: Partial<StoreOptions> = {}): Promise<MessageStore> {
  return MessageStore.open(storeOptions(more));
}

export interface MessageParts extends Partial<Omit<MessageInner, 'body' | 'properties'>> {
  body?: string | Buffer;
  properties?: Record<string, string>;
}

export function message(parts: MessageParts = {}): MessageInner {
  const { body = 'hello', properties = {}, ...rest } = parts;
  const encoded = Object.entries(properties).map(([name, value]) => `${name}\u0001${value}\u0002`);
  return {
    topic: 'T',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: Buffer.from([10, 0, 0, 1]),
    bornPort: 5_000,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    tagsCode: properties['TAGS'] ? hashText(properties['TAGS']) : 0,
    ...rest,
    body: Buffer.from(body),
    properties: Buffer.from(encoded.join('')),
  };
}

/** Splits what a read gave into records. */
export function records(body: readonly Buffer[]): Buffer[] {
  const found: Buffer[] = [];
  for (const buffer of body) {
    for (let at = 0; at < buffer.length; at += buffer.readInt32BE(at))
      found.push(buffer.subarray(at, at + buffer.readInt32BE(at)));
  }
  return found;
}

/** The body of a record with IPv4 hosts. */
export function bodyOf(record: Buffer): string {
  return record.toString('utf8', 88, 88 + record.readInt32BE(84));
}

/** Bodies of all messages of a queue, read as a consumer does. */
export async function bodies(store: MessageStore, topic = 'T', queueId = 0): Promise<string[]> {
  const found: string[] = [];
  let offset = store.minOffset(topic, queueId);
  while (offset < store.maxOffset(topic, queueId)) {
    const result = await store.getMessage(topic, queueId, offset, 32, 262_144);
    found.push(...records(result.body).map(bodyOf));
    if (result.nextBeginOffset <= offset) throw new Error(`no way on from ${offset}: ${result.status}`);
    offset = result.nextBeginOffset;
  }
  return found;
}

export function parse(record: Buffer, position: number): RecordView {
  const view = new RecordView();
  if (!view.parse(record, 0, record.length, position, true)) throw new Error('not a record');
  return view;
}

/** The files as a process leaves them that is killed now: all that was written is there, and the lock. */
export function killed(fileSystem: MemoryFileSystem): MemoryFileSystem {
  const copy = memoryFileSystem();
  for (const [path, content] of fileSystem.files) copy.files.set(path, content.clone());
  for (const path of fileSystem.directories) copy.directories.add(path);
  return copy;
}
