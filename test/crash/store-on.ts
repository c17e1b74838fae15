// Opens a small store on files in memory, fills it with messages, and reads them back.
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { MemoryFileSystem, MessageStore, memoryFileSystem } from '@nest-rocketmq/broker/internal';
import type { MessageInner, StoreOptions } from '@nest-rocketmq/broker/internal';
import { bodyFor } from './oracle.js';
import { readAll } from './simulate.js';

export const ROOT = '/store';
export const NOW = 1_700_000_000_000;
export const QUEUES = 2;

export function openStore(
  fileSystem: StoreOptions['fileSystem'],
  more: Partial<StoreOptions> = {},
): Promise<MessageStore> {
  return MessageStore.open({
    fileSystem,
    root: ROOT,
    clock: new ManualClock(NOW) as Clock,
    storeHost: { address: Buffer.from([127, 0, 0, 1]), port: 10911 },
    mappedFileSizeCommitLog: 16_384,
    mappedFileSizeConsumeQueue: 400,
    maxHashSlotNum: 20,
    maxIndexNum: 60,
    maxMessageSize: 4_096,
    ...more,
  });
}

export function messageOf(id: number, body = bodyFor(id, id % 400)): MessageInner {
  return {
    topic: 'T',
    queueId: id % QUEUES,
    body: Buffer.from(body),
    properties: Buffer.from(`KEYS\u0001key${id}\u0002TAGS\u0001red\u0002colour\u0001dark-${id}\u0002`),
    flag: 0,
    sysFlag: 0,
    bornTimestamp: NOW,
    bornHost: Buffer.from([10, 0, 0, 1]),
    bornPort: 1,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    tagsCode: 112_785,
  };
}

export interface Filled {
  files: MemoryFileSystem;
  /** Bodies by `topic/queue/offset`. */
  all: Map<string, string>;
  /** Where each record is in the log, and where its message is in its queue. */
  records: { from: number; to: number; place: string }[];
}

/** A store with `count` messages, cleanly stopped. */
export async function filled(count: number, more: Partial<StoreOptions> = {}): Promise<Filled> {
  const files = memoryFileSystem(() => NOW);
  const store = await openStore(files, more);
  const records: Filled['records'] = [];
  for (let id = 0; id < count; id++) {
    const { physicalOffset, queueOffset, size } = store.append(messageOf(id));
    records.push({ from: physicalOffset, to: physicalOffset + size, place: `T/${id % QUEUES}/${queueOffset}` });
  }
  await store.drain();
  const all = await readAll(store);
  await store.close();
  return { files, all, records };
}

export function copyOf(files: MemoryFileSystem): MemoryFileSystem {
  const copy = memoryFileSystem(() => NOW);
  for (const [path, content] of files.files) copy.files.set(path, content.clone());
  for (const path of files.directories) copy.directories.add(path);
  return copy;
}

/** As if the store had been killed behind its last checkpoint. */
export function asKilled(files: MemoryFileSystem): MemoryFileSystem {
  files.openSync(`${ROOT}/abort`, 'create').writeSync(Buffer.from('4194304'), 0, 7, 0);
  return files;
}

export function flip(files: MemoryFileSystem, path: string, position: number, bit: number): void {
  const file = files.openSync(path, 'write');
  const byte = Buffer.alloc(1);
  file.readSync(byte, 0, 1, position);
  byte[0]! ^= 1 << bit;
  file.writeSync(byte, 0, 1, position);
}
