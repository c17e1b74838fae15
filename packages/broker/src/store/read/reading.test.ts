import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { MemoryFileSystem, memoryFileSystem } from '../files/memory-file-system.js';
import { RecordView } from '../commitlog/record.js';
import type { MessageStore } from '../store.js';
import { bodies, bodyOf, message, openStore, records } from '../../../test-kit/store.js';

async function withMessages(count: number, more = {}): Promise<MessageStore> {
  const store = await openStore(more);
  for (let i = 0; i < count; i++) store.append(message({ body: `m${i}`, tagsCode: i % 3 }));
  await store.drain();
  return store;
}

describe('reading a queue', () => {
  it.each([
    [0, 'FOUND', 5],
    [4, 'FOUND', 5],
    [5, 'OFFSET_OVERFLOW_ONE', 5],
    [6, 'OFFSET_OVERFLOW_BADLY', 5],
    [-1, 'OFFSET_TOO_SMALL', 0],
  ])('from offset %i of 5 messages gives %s, and goes on at %i', async (offset, status, nextBeginOffset) => {
    const store = await withMessages(5);
    expect(await store.getMessage('T', 0, offset, 32, 1_000)).toMatchObject({
      status,
      nextBeginOffset,
      minOffset: 0,
      maxOffset: 5,
    });
    await store.close();
  });

  it('that is not there is told from one that is empty', async () => {
    const store = await openStore();
    expect((await store.getMessage('T', 0, 0, 1, 1_000)).status).toBe('NO_MATCHED_LOGIC_QUEUE');
    store.append(message());
    expect(await store.getMessage('T', 0, 3, 1, 1_000)).toMatchObject({
      status: 'NO_MESSAGE_IN_QUEUE',
      nextBeginOffset: 0,
    });
    await store.close();
  });

  it('T188: gives no more messages than asked for, and no more bytes except for the first message', async () => {
    const store = await withMessages(10);
    const { size } = (await store.readConsumeQueue('T', 0, 0))!;
    expect(await store.getMessage('T', 0, 0, 4, 100_000)).toMatchObject({ count: 4, nextBeginOffset: 4 });
    expect(await store.getMessage('T', 0, 0, 4, size * 2)).toMatchObject({ count: 2, nextBeginOffset: 2 });
    expect(await store.getMessage('T', 0, 0, 4, 1)).toMatchObject({ count: 1, nextBeginOffset: 1 });
    await store.close();
  });

  it('hands adjacent records over as one buffer', async () => {
    const store = await withMessages(10);
    expect((await store.getMessage('T', 0, 0, 10, 100_000)).body).toHaveLength(1);
    await store.close();
  });

  it('passes over what the filter refuses, without reading it', async () => {
    const store = await withMessages(10);
    const asked: number[] = [];
    const result = await store.getMessage('T', 0, 0, 32, 100_000, (tagsCode) => {
      asked.push(tagsCode);
      return tagsCode === 1;
    });
    expect(records(result.body).map(bodyOf)).toEqual(['m1', 'm4', 'm7']);
    expect([asked.length, result.nextBeginOffset]).toEqual([10, 10]);
    expect(await store.getMessage('T', 0, 0, 32, 100_000, () => false)).toMatchObject({
      status: 'NO_MATCHED_MESSAGE',
      nextBeginOffset: 10,
    });
    await store.close();
  });

  it('lets the filter look at the record', async () => {
    const store = await withMessages(10);
    const result = await store.getMessage('T', 0, 0, 32, 100_000, (_, record) => bodyOf(record()!) === 'm5');
    expect(records(result.body).map(bodyOf)).toEqual(['m5']);
    await store.close();
  });

  it('looks at no more than 800 entries at a time when it filters', async () => {
    const store = await withMessages(1_000);
    expect(await store.getMessage('T', 0, 0, 32, 100_000, () => false)).toMatchObject({
      status: 'NO_MATCHED_MESSAGE',
      nextBeginOffset: 800,
    });
    await store.close();
  });

  it.each([1, 1_000_000])(
    'serves the same from disk and from memory (%i bytes of tail kept)',
    async (tailCacheBytes) => {
      const store = await openStore({ tailCacheBytes });
      const expected = Array.from({ length: 300 }, (_, i) => String(i).padEnd(1_000));
      for (const body of expected) {
        store.append(message({ body }));
        await store.drain();
      }
      expect(await bodies(store)).toEqual(expected);
      await store.close();
    },
  );
});

describe('an offset by time', () => {
  const open = async (): Promise<MessageStore> => {
    const clock = new ManualClock(1_000);
    const store = await openStore({ clock });
    for (const time of [1_000, 2_000, 2_000, 2_000, 3_000]) {
      await clock.advanceTo(time);
      store.append(message());
    }
    await store.drain();
    return store;
  };

  it.each([
    [500, 0, 0],
    [1_000, 0, 0],
    [1_500, 1, 0],
    [2_000, 1, 3],
    [2_500, 4, 3],
    [3_000, 4, 4],
    [9_000, 5, 4],
  ])('T184: of %i is %i as LOWER and %i as UPPER', async (timestamp, lower, upper) => {
    const store = await open();
    expect(await store.offsetByTimestamp('T', 0, timestamp, 'LOWER')).toBe(lower);
    expect(await store.offsetByTimestamp('T', 0, timestamp, 'UPPER')).toBe(upper);
    await store.close();
  });

  it('T184: is 0 where there is no queue', async () => {
    const store = await open();
    expect(await store.offsetByTimestamp('NONE', 0, 1, 'LOWER')).toBe(0);
    expect(await store.storeTimestampAt('T', 0, 3)).toBe(2_000);
    expect(await store.storeTimestampAt('T', 0, 5)).toBeUndefined();
    await store.close();
  });
});

describe('a record', () => {
  it('carries hosts of IPv6, with the bits that say so', async () => {
    const store = await openStore({ storeHost: { address: Buffer.alloc(16, 2), port: 10911 } });
    store.append({ ...message({ body: 'six' }), bornHost: Buffer.alloc(16, 1) });
    await store.drain();
    const record = (await store.readRecord(0))!;
    const view = new RecordView();
    expect(view.parse(record, 0, record.length, 0, true)).toBe(true);
    expect(view.sysFlag).toBe(16 | 32);
    expect(record.toString('utf8', 88 + 24, 88 + 24 + 3)).toBe('six');
    await store.close();
  });
});

describe('a queue', () => {
  it('that begins late, for its older messages are gone, is rebuilt with its offsets', async () => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem });
    for (let i = 0; i < 30; i++) store.append(message({ body: String(i).padEnd(12_000) }));
    await store.close();
    fileSystem.removeSync('/store/commitlog/00000000000000000000');
    fileSystem.removeTreeSync('/store/consumequeue');
    store = await openStore({ fileSystem });
    expect([store.minOffset('T', 0), store.maxOffset('T', 0)]).toEqual([5, 30]);
    expect((await bodies(store)).map(Number)).toEqual(Array.from({ length: 25 }, (_, i) => i + 5));
    await store.close();
    // Apache's filler stands before the first entry of such a file.
    const entry = Buffer.alloc(20);
    fileSystem.files.get('/store/consumequeue/T/0/00000000000000000000')!.read(entry, 0, 20, 80);
    expect([entry.readBigInt64BE(0), entry.readInt32BE(8), entry.readBigInt64BE(12)]).toEqual([0n, 0x7fffffff, 0n]);
    store = await openStore({ fileSystem });
    expect([store.minOffset('T', 0), store.maxOffset('T', 0)]).toEqual([5, 30]);
    await store.close();
  });

  it('T192: of a deleted topic is gone, also after a restart, and begins at 0 when it is made again', async () => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem });
    for (let i = 0; i < 10; i++) store.append(message());
    await store.drain();
    await store.deleteTopic('T');
    expect([store.maxOffset('T', 0), [...store.queues()]]).toEqual([0, []]);
    await store.close();
    store = await openStore({ fileSystem });
    expect(store.maxOffset('T', 0)).toBe(0);
    expect(store.append(message({ body: 'new' })).queueOffset).toBe(0);
    await store.close();
    fileSystem.removeTreeSync('/store/consumequeue');
    store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(['new']);
    await store.close();
  });

  it('of a topic that is made again while its files are being removed has files of its own', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const fileSystem = new (class extends MemoryFileSystem {
      override async removeTree(path: string): Promise<void> {
        if (path.endsWith('/T')) await held;
        this.removeTreeSync(path);
      }
    })();
    const clock = new ManualClock(1_000_000);
    let store = await openStore({ fileSystem, clock });
    for (let i = 0; i < 10; i++) store.append(message());
    await store.close();
    store = await openStore({ fileSystem, clock });
    const deleted = store.deleteTopic('T');
    store.append(message({ body: 'new' }));
    await store.drain();
    await clock.advance(5_000);
    release();
    await deleted;
    await store.close();
    store = await openStore({ fileSystem, clock });
    expect([await bodies(store), store.metrics.repairedEntries]).toEqual([['new'], 0]);
    await store.close();
  });

  it('is written out when many more topics have messages than files may be open', async () => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem, maxOpenFiles: 4 });
    for (let i = 0; i < 200; i++) store.append(message({ topic: `T${i % 50}`, queueId: i % 4, body: `m${i}` }));
    await store.close();
    store = await openStore({ fileSystem, maxOpenFiles: 4 });
    for (let i = 0; i < 50; i++) expect(await bodies(store, `T${i}`, i % 4)).toContain(`m${i}`);
    await store.close();
  });
});

describe('what was read', () => {
  it('stays as it is while the memory that it came from is used again, of the tail and of the files', async () => {
    const store = await openStore({ tailCacheBytes: 131_072 });
    const text = (i: number): string => `${i}`.padEnd(4_000, '.');
    const count = 1_500;
    const held: string[] = [];
    const bytes: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const { physicalOffset, size } = { ...store.append(message({ body: text(i) })) };
      await store.drain();
      bytes.push(
        ...(await store.getMessage('T', 0, i, 1, 65_536)).body,
        (await store.readRecord(physicalOffset, size))!,
      );
      held.push(text(i), text(i));
    }
    for (let i = 0; i < count; i += 10) {
      bytes.push(...(await store.getMessage('T', 0, i, 1, 65_536)).body);
      held.push(text(i));
    }
    expect(bytes.map(bodyOf)).toEqual(held);
    await store.close();
  });
});
