import { describe, expect, it } from '@jest/globals';
import { ManualClock, decodeRecord, packHost } from '@nest-rocketmq/remoting/internal';
import { memoryFileSystem } from './files/memory-file-system.js';
import { bodies, bodyOf, killed, message, openStore, parse, records } from '../../test-kit/store.js';

describe('the store', () => {
  it('gives each message the next offset of its queue, and its position in the log', async () => {
    const store = await openStore();
    const first = { ...store.append(message({ queueId: 0 })) };
    const second = { ...store.append(message({ queueId: 0 })) };
    const other = { ...store.append(message({ queueId: 1 })) };
    expect([first.queueOffset, second.queueOffset, other.queueOffset]).toEqual([0, 1, 0]);
    expect([first.physicalOffset, second.physicalOffset, other.physicalOffset]).toEqual([
      0,
      first.size,
      first.size * 2,
    ]);
    await store.close();
  });

  it('T189, T198: shows nothing before the commit, and everything after', async () => {
    const store = await openStore();
    store.append(message({ body: 'one' }));
    expect(store.maxOffset('T', 0)).toBe(0);
    expect(await store.readRecord(0)).toBeUndefined();
    await store.drain();
    expect(await bodies(store)).toEqual(['one']);
    expect(bodyOf((await store.readRecord(0))!)).toBe('one');
    await store.close();
  });

  it('tells first how far the log is stored, then which queue has a new message', async () => {
    const store = await openStore();
    const told: unknown[] = [];
    store.onCommitted((upTo, failure) => told.push([upTo, failure]));
    store.onArrived((...arrived) => told.push(arrived));
    const { size } = store.append(message({ tagsCode: 7 }));
    store.append(message({ queueId: 3 }));
    await store.drain();
    expect(told).toEqual([
      [size * 2, undefined],
      ['T', 0, 1, 7],
      ['T', 3, 1, 0],
    ]);
    await store.close();
  });

  it('T190: serves after a clean stop and start what it served before', async () => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem });
    for (let i = 0; i < 1_000; i++) store.append(message({ body: `m${i}`, queueId: i % 3 }));
    await store.close();
    expect(fileSystem.statSync('/store/abort')).toBeUndefined();
    store = await openStore({ fileSystem });
    expect(await bodies(store, 'T', 1)).toEqual(Array.from({ length: 333 }, (_, i) => `m${i * 3 + 1}`));
    expect(store.metrics.recoveredRecords).toBeLessThanOrEqual(1);
    expect(store.append(message({ queueId: 1 })).queueOffset).toBe(333);
    await store.close();
  });

  it('T190: has after a kill every message that was committed, and none that was not', async () => {
    const fileSystem = memoryFileSystem();
    const store = await openStore({ fileSystem });
    for (let i = 0; i < 1_000; i++) store.append(message({ body: `m${i}` }));
    await store.drain();
    store.append(message({ body: 'not committed' }));
    const after = killed(fileSystem);
    await store.close();
    const again = await openStore({ fileSystem: after });
    expect(await bodies(again)).toEqual(Array.from({ length: 1_000 }, (_, i) => `m${i}`));
    await again.close();
  });

  it('scans after a kill no more than was written since the last checkpoint', async () => {
    const fileSystem = memoryFileSystem();
    const clock = new ManualClock();
    const store = await openStore({ fileSystem, clock });
    for (let i = 0; i < 500; i++) store.append(message({ body: `m${i}` }));
    await store.drain();
    await clock.advance(6_000);
    for (let i = 500; i < 510; i++) store.append(message({ body: `m${i}` }));
    await store.drain();
    const after = killed(fileSystem);
    await store.close();
    const again = await openStore({ fileSystem: after });
    expect(await bodies(again)).toHaveLength(510);
    expect(again.metrics.recoveredRecords).toBeLessThanOrEqual(11);
    await again.close();
  });

  it('rebuilds consume queues that are gone', async () => {
    const fileSystem = memoryFileSystem();
    const store = await openStore({ fileSystem });
    for (let i = 0; i < 300; i++) store.append(message({ body: `m${i}`, queueId: i % 2, properties: { TAGS: 'a标' } }));
    await store.close();
    fileSystem.removeTreeSync('/store/consumequeue');
    const again = await openStore({ fileSystem });
    expect(await bodies(again, 'T', 1)).toHaveLength(150);
    expect((await again.readConsumeQueue('T', 1, 0))?.tagsCode).toBe(message({ properties: { TAGS: 'a标' } }).tagsCode);
    await again.close();
  });

  it('stores topics longer than 127 bytes under the retry prefix only', async () => {
    const store = await openStore();
    const long = `%RETRY%${'g'.repeat(130)}`;
    store.append(message({ topic: long, body: 'long' }));
    expect(store.append(message({ topic: 'x'.repeat(128) })).status).toBe('MESSAGE_ILLEGAL');
    expect(store.append(message({ topic: `%RETRY%${'g'.repeat(249)}` })).status).toBe('MESSAGE_ILLEGAL');
    await store.drain();
    expect(await bodies(store, long)).toHaveLength(1);
    const record = records((await store.getMessage(long, 0, 0, 1, 1_000)).body)[0]!;
    expect(parse(record, 0).topicLength).toBe(137);
    await store.close();
  });

  it.each(['..', '.', '', 'a/b', 'a\\b', 'a\0b'])(
    'refuses the topic %j, which is no name of a folder',
    async (topic) => {
      const store = await openStore();
      expect(store.append(message({ topic })).status).toBe('MESSAGE_ILLEGAL');
      await store.close();
    },
  );

  it('T186, T187: refuses properties over 32767 bytes and bodies over the limit, and gives them no place', async () => {
    const store = await openStore();
    const over = { ...message(), properties: Buffer.alloc(32_768) };
    expect(store.append(over).status).toBe('PROPERTIES_SIZE_EXCEEDED');
    expect(store.append(message({ body: Buffer.alloc(16_385) })).status).toBe('MESSAGE_ILLEGAL');
    expect(store.append(message({ body: Buffer.alloc(16_384) }))).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    const longest = { ...message(), properties: Buffer.from(`k\u0001${'v'.repeat(32_764)}\u0002`) };
    expect(store.append(longest)).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    await store.close();
  });

  it('T182, T183: gives each of a hundred messages by its place in the queue, and by its place in the log', async () => {
    const store = await openStore();
    const sent = Array.from({ length: 100 }, (_, i) => `m${i}`);
    const places = sent.map((body) => store.append(message({ body })).physicalOffset);
    await store.drain();
    for (const [offset, body] of sent.entries()) {
      const found = await store.getMessage('T', 0, offset, 1, 100_000);
      expect([found.count, ...records(found.body).map(bodyOf)]).toEqual([1, body]);
    }
    expect(bodyOf((await store.readRecord(places[0]!))!)).toBe('m0');
    expect(bodyOf((await store.readRecord(places[99]!))!)).toBe('m99');
    for (const nowhere of [places[1]! - 1, places[1]! + 1, store.metrics.committedOffset, 1e12]) {
      expect(await store.readRecord(nowhere)).toBeUndefined();
    }
    await store.close();
  });

  it('T185: tells when each message was stored, and nothing of those that are not there', async () => {
    const clock = new ManualClock(5_000);
    const store = await openStore({ clock });
    for (let i = 0; i < 3; i++) {
      store.append(message());
      await store.drain();
      await clock.advance(1_000);
    }
    expect(await Promise.all([0, 1, 2].map((at) => store.storeTimestampAt('T', 0, at)))).toEqual([5_000, 6_000, 7_000]);
    for (const [topic, queueId, offset] of [
      ['T', 0, 3],
      ['T', 0, -1],
      ['T', 1, 0],
      ['NONE', 0, 0],
    ] as const) {
      expect(await store.storeTimestampAt(topic, queueId, offset)).toBeUndefined();
    }
    await store.close();
  });

  it.each(['127.0.0.1', '::1'])(
    'T055: stores a batch as one record and one queue entry for each message, from and to %s',
    async (host) => {
      const address = packHost(host);
      const store = await openStore({ storeHost: { address, port: 10_911 } });
      const batch = [0, 1, 2].map((i) => message({ body: `m${i}`, bornHost: address, tagsCode: i }));
      const results = store.appendBatch(batch).map((result) => ({ ...result }));
      await store.drain();
      expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 1, 2]);
      for (const [i, { physicalOffset, size }] of results.entries()) {
        expect(await store.readConsumeQueue('T', 0, i)).toMatchObject({ physicalOffset, size, tagsCode: i });
        const record = decodeRecord((await store.readRecord(physicalOffset))!);
        expect(record).toMatchObject({ queueOffset: i, physicalOffset, storeSize: size });
        expect([record.body.toString(), record.bornHost.address, record.storeHost.address]).toEqual([
          `m${i}`,
          address,
          address,
        ]);
      }
      await store.close();
    },
  );

  it('T056: writes no part of a record at the end of a file: what does not fit goes to the next', async () => {
    const store = await openStore();
    const results = store
      .appendBatch(Array.from({ length: 10 }, (_, i) => message({ body: Buffer.alloc(15_000, i) })))
      .map((result) => ({ ...result }));
    await store.drain();
    expect(results.map(({ status, queueOffset }) => [status, queueOffset])).toEqual(
      results.map((_, i) => ['PUT_OK', i]),
    );
    for (const { physicalOffset, size } of results) {
      expect(Math.floor((physicalOffset + size - 1) / 65_536)).toBe(Math.floor(physicalOffset / 65_536));
    }
    expect(results[4]!.physicalOffset).toBe(65_536);
    expect(await bodies(store)).toHaveLength(10);
    await store.close();
  });

  it('T057: refuses a batch as a whole when one of its messages cannot be stored', async () => {
    const store = await openStore();
    const results = store.appendBatch([message(), message({ body: Buffer.alloc(16_385) })]);
    expect(results.map(({ status }) => status)).toEqual(['MESSAGE_ILLEGAL', 'MESSAGE_ILLEGAL']);
    expect(store.appendBatch([message(), message()]).map(({ queueOffset }) => queueOffset)).toEqual([0, 1]);
    await store.close();
  });

  it('T194: rolls to the next file where a record and the blank behind it do not fit', async () => {
    const fileSystem = memoryFileSystem();
    const store = await openStore({ fileSystem });
    for (let i = 0; i < 10; i++) store.append(message({ body: Buffer.alloc(15_000, i) }));
    await store.drain();
    expect(fileSystem.listSync('/store/commitlog').map(({ name }) => name)).toEqual([
      '00000000000000000000',
      '00000000000000065536',
      '00000000000000131072',
    ]);
    expect(await bodies(store)).toHaveLength(10);
    const blankAt = 4 * (await store.readConsumeQueue('T', 0, 0))!.size;
    const blank = Buffer.alloc(8);
    fileSystem.files.get('/store/commitlog/00000000000000000000')!.read(blank, 0, 8, blankAt);
    expect([blank.readInt32BE(0), blank.readUInt32BE(4)]).toEqual([65_536 - blankAt, 0xcbd43194]);
    await store.close();
  });

  it('keeps the time of delivery as the tags code of a delayed message, also when it rebuilds', async () => {
    const fileSystem = memoryFileSystem();
    const clock = new ManualClock(1_000_000);
    let store = await openStore({ fileSystem, clock });
    store.append(
      message({ topic: 'SCHEDULE_TOPIC_XXXX', queueId: 2, deliverDelayMs: 10_000, properties: { DELAY: '3' } }),
    );
    await store.drain();
    expect((await store.readConsumeQueue('SCHEDULE_TOPIC_XXXX', 2, 0))?.tagsCode).toBe(1_010_000);
    await store.close();
    fileSystem.removeTreeSync('/store/consumequeue');
    store = await openStore({ fileSystem, clock });
    expect((await store.readConsumeQueue('SCHEDULE_TOPIC_XXXX', 2, 0))?.tagsCode).toBe(1_010_000);
    await store.close();
  });

  it('gives prepared and rolled back records no place in a queue', async () => {
    const store = await openStore();
    for (const sysFlag of [4, 12]) expect(store.append(message({ sysFlag })).queueOffset).toBe(0);
    expect(store.append(message({ sysFlag: 8 })).queueOffset).toBe(0);
    await store.drain();
    expect(store.maxOffset('T', 0)).toBe(1);
    await store.close();
  });

  it('never lets store times go back, even if the clock does', async () => {
    let now = 5_000;
    const clock = Object.assign(new ManualClock(), { now: () => now });
    const store = await openStore({ clock });
    const first = store.append(message()).storeTimestamp;
    now = 1_000;
    expect([first, store.append(message()).storeTimestamp]).toEqual([5_000, 5_000]);
    await store.close();
  });

  it('leaves no timer behind when it is closed', async () => {
    const clock = new ManualClock();
    const store = await openStore({ clock });
    store.append(message());
    await store.close();
    expect(clock.pending).toBe(0);
    expect(store.append(message()).status).toBe('SERVICE_NOT_AVAILABLE');
  });
});
