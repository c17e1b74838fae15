// Entries of a consume queue are overwritten under a store that is open, or has not looked at them.
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { MemoryFileSystem, type MemoryFile } from '../files/memory-file-system.js';
import type { FileStat } from '../files/file-system.js';
import type { MessageStore } from '../store.js';
import { bodyOf, message, openStore, records } from '../../../test-kit/store.js';

const COUNT = 300;
const QUEUE_FILE = '/store/consumequeue/T/0/00000000000000002000';

async function written(fileSystem: MemoryFileSystem): Promise<void> {
  const store = await openStore({ fileSystem });
  for (let i = 0; i < COUNT; i++) store.append(message({ body: `${i}`, properties: { TAGS: i % 2 ? 'odd' : 'even' } }));
  await store.close();
}

function overwrite(fileSystem: MemoryFileSystem, from: number, count: number, byte = 0, path = QUEUE_FILE): void {
  fileSystem.openSync(path, 'write').writeSync(Buffer.alloc(count * 20, byte), 0, count * 20, from * 20);
}

/** Bodies of the messages with one of the tags, as a filtering consumer reads them. */
async function filtered(store: MessageStore, tag: 'odd' | 'even'): Promise<number[]> {
  const code = message({ properties: { TAGS: tag } }).tagsCode;
  const found: number[] = [];
  for (let offset = 0; offset < store.maxOffset('T', 0);) {
    const { body, nextBeginOffset } = await store.getMessage('T', 0, offset, 32, 262_144, (one) => one === code);
    found.push(...records(body).map((record) => Number(bodyOf(record))));
    offset = nextBeginOffset;
  }
  return found;
}

const every = (remainder: number): number[] => Array.from({ length: COUNT / 2 }, (_, i) => 2 * i + remainder);

describe('entries that are overwritten while the store is open', () => {
  it.each([
    [0, 'zeros', 1],
    [0, 'zeros', 100],
    [0xa5, 'garbage', 50],
    [0x11, 'others', 50],
  ])('with %i (%s), %#: a consumer that filters misses none of %i', async (byte, _what, count) => {
    const fileSystem = new MemoryFileSystem();
    await written(fileSystem);
    const said: string[] = [];
    const store = await openStore({ fileSystem, logger: { ...silentLogger, warn: (text) => said.push(String(text)) } });
    overwrite(fileSystem, 0, count, byte);
    expect(await filtered(store, 'odd')).toEqual(every(1));
    expect(await filtered(store, 'even')).toEqual(every(0));
    expect(store.metrics.repairedEntries).toBe(count);
    expect(said).toEqual([expect.stringContaining(`${count} entries of topic T queue 0 from 100 on were damaged`)]);
    await store.close();
  });

  it('are put right from both sides when one in the middle is read first', async () => {
    const fileSystem = new MemoryFileSystem();
    await written(fileSystem);
    const store = await openStore({ fileSystem });
    overwrite(fileSystem, 10, 60);
    expect(records((await store.getMessage('T', 0, 140, 1, 1_000)).body).map(bodyOf)).toEqual(['140']);
    expect(store.metrics.repairedEntries).toBe(60);
    await store.close();
  });

  it('are named when their messages are gone, too, and read over', async () => {
    const fileSystem = new MemoryFileSystem();
    await written(fileSystem);
    const said: string[] = [];
    const error = (text: unknown): number => said.push(String(text));
    const store = await openStore({ fileSystem, logger: { ...silentLogger, error } });
    const { physicalOffset, size } = (await store.readConsumeQueue('T', 0, 150))!;
    fileSystem
      .openSync('/store/commitlog/00000000000000000000', 'write')
      .writeSync(Buffer.alloc(size), 0, size, physicalOffset);
    overwrite(fileSystem, 50, 1);
    expect(await filtered(store, 'even')).toEqual(every(0).filter((i) => i !== 150));
    expect(await filtered(store, 'even')).toHaveLength(COUNT / 2 - 1);
    expect(said).toEqual([expect.stringContaining('the messages 150 to 150 of topic T queue 0')]);
    await store.close();
  });

  it('are whole at the next start, where nobody has read them', async () => {
    const fileSystem = new MemoryFileSystem();
    await written(fileSystem);
    let store = await openStore({ fileSystem });
    overwrite(fileSystem, 20, 30);
    await store.close();
    store = await openStore({ fileSystem });
    expect([await filtered(store, 'odd'), store.metrics.repairedEntries]).toEqual([every(1), 30]);
    await store.close();
  });
});

/** Tells when a file was last changed, as a disk does. */
class TimedDisk extends MemoryFileSystem {
  override readonly onDisk = true;
  readonly read = new Set<string>();

  override openSync(...args: Parameters<MemoryFileSystem['open']>): MemoryFile {
    const file = super.openSync(...args);
    const { readSync } = file;
    file.readSync = (...range) => {
      this.read.add(args[0]);
      return readSync.apply(file, range);
    };
    return file;
  }

  override statSync(path: string): FileStat | undefined {
    const stat = super.statSync(path);
    return stat && { ...stat, inode: Number(path.slice(-20)) + 1 };
  }
}

describe('a full file of a queue on a disk', () => {
  const now = { time: 1_000 };
  const disk = (): TimedDisk => new TimedDisk(() => now.time++);

  it('is not read by a start when it has not been changed', async () => {
    const fileSystem = disk();
    await written(fileSystem);
    fileSystem.read.clear();
    const store = await openStore({ fileSystem });
    expect([...fileSystem.read].filter((path) => path.includes('consumequeue/'))).toEqual([]);
    expect(await filtered(store, 'odd')).toEqual(every(1));
    await store.close();
  });

  it('is read when it has been changed, and put right', async () => {
    const fileSystem = disk();
    await written(fileSystem);
    overwrite(fileSystem, 3, 40);
    const store = await openStore({ fileSystem });
    expect([store.metrics.repairedEntries, await filtered(store, 'odd')]).toEqual([40, every(1)]);
    await store.close();
  });

  it('is read when it was changed just before it was noted: times may be rounded', async () => {
    const fileSystem = new TimedDisk(() => Date.now());
    await written(fileSystem);
    fileSystem.read.clear();
    const store = await openStore({ fileSystem });
    expect([...fileSystem.read]).toContain(QUEUE_FILE);
    await store.close();
  });
});
