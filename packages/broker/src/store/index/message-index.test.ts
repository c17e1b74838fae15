import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { memoryFileSystem } from '../files/memory-file-system.js';
import type { MemoryFileSystem } from '../files/memory-file-system.js';
import type { MessageStore } from '../store.js';
import { bodyOf, killed, message, openStore } from '../../../test-kit/store.js';

async function find(store: MessageStore, key: string, topic = 'T', maxNum = 64): Promise<string[]> {
  const { records } = await store.queryByKey(topic, key, maxNum, 0, Number.MAX_SAFE_INTEGER);
  return records.map(bodyOf);
}

/** Files that refuse the index until they are to accept it. */
function refusingIndex(): { fileSystem: MemoryFileSystem; accept: () => void } {
  const fileSystem = memoryFileSystem();
  const openSync = fileSystem.openSync.bind(fileSystem);
  fileSystem.openSync = (path, mode) => {
    if (path.includes('/index/')) throw new Error('EACCES');
    return openSync(path, mode);
  };
  return { fileSystem, accept: () => void (fileSystem.openSync = openSync) };
}

describe('a query by key', () => {
  it('finds a message by its unique key, by each of its keys, and by its tags', async () => {
    const store = await openStore();
    store.append(message({ body: 'x', properties: { KEYS: 'order-1 钥匙', UNIQ_KEY: 'U1', TAGS: 'a' } }));
    await store.drain();
    for (const key of ['U1', 'order-1', '钥匙', 'T#a']) expect([key, await find(store, key)]).toEqual([key, ['x']]);
    for (const key of ['order', 'U2', 'T#b']) expect([key, await find(store, key)]).toEqual([key, []]);
    expect(await find(store, 'U1', 'OTHER')).toEqual([]);
    await store.close();
  });

  it('gives the newest first, and no more than asked for', async () => {
    const store = await openStore();
    for (let i = 0; i < 10; i++) store.append(message({ body: `m${i}`, properties: { KEYS: 'k' } }));
    await store.drain();
    expect(await find(store, 'k', 'T', 3)).toEqual(['m9', 'm8', 'm7']);
    await store.close();
  });

  it('T196: leaves out what was stored outside the time asked for', async () => {
    const clock = new ManualClock(1_000_000);
    const store = await openStore({ clock });
    for (let i = 0; i < 5; i++) {
      store.append(message({ body: `m${i}`, properties: { KEYS: 'k' } }));
      await clock.advance(10_000);
    }
    await store.drain();
    const { records } = await store.queryByKey('T', 'k', 64, 1_009_000, 1_031_000);
    expect(records.map(bodyOf)).toEqual(['m3', 'm2', 'm1']);
    await store.close();
  });

  it('tells keys apart that have the same hash', async () => {
    const store = await openStore();
    store.append(message({ body: 'x', properties: { KEYS: 'Aa' } }));
    store.append(message({ body: 'y', properties: { KEYS: 'BB' } }));
    await store.drain();
    expect(await find(store, 'Aa')).toEqual(['x']);
    await store.close();
  });

  it('does not index rolled back records, and does index half messages', async () => {
    const store = await openStore();
    store.append(message({ sysFlag: 12, properties: { KEYS: 'k' }, body: 'rolled back' }));
    store.append(message({ sysFlag: 4, properties: { KEYS: 'k' }, body: 'half' }));
    await store.drain();
    expect(await find(store, 'k')).toEqual(['half']);
    await store.close();
  });

  it('T196: goes on in a new file when one is full, and answers from all of them', async () => {
    const fileSystem = memoryFileSystem();
    const store = await openStore({ fileSystem, maxIndexNum: 100 });
    for (let i = 0; i < 500; i++) store.append(message({ body: `m${i}`, properties: { KEYS: `k${i}` } }));
    await store.drain();
    for (const i of [0, 98, 99, 100, 499]) expect(await find(store, `k${i}`)).toEqual([`m${i}`]);
    await store.close();
    expect(fileSystem.listSync('/store/index').length).toBeGreaterThanOrEqual(5);
  });

  it('finds everything when the disk takes the index again, and its failure was logged once', async () => {
    const clock = new ManualClock();
    const { fileSystem, accept } = refusingIndex();
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
    const store = await openStore({ fileSystem, clock, logger, maxIndexNum: 100 });
    for (let i = 0; i < 500; i++) store.append(message({ body: `m${i}`, properties: { KEYS: `k${i}` } }));
    await store.drain();
    for (let round = 0; round < 50; round++) await clock.advance(100);
    expect(errors).toEqual(['cannot write the index of keys: Error: EACCES. It is tried again. Check the disk.']);
    accept();
    await clock.advance(100);
    for (const i of [0, 98, 99, 499]) expect(await find(store, `k${i}`)).toEqual([`m${i}`]);
    await store.close();
  });

  it('keeps few entries in memory while the disk refuses the index, however often it is asked', async () => {
    const { fileSystem, accept } = refusingIndex();
    const store = await openStore({ fileSystem, clock: new ManualClock(), maxIndexNum: 100 });
    for (let i = 0; i < 500; i++) store.append(message({ body: `m${i}`, properties: { KEYS: `k${i}` } }));
    await store.drain();
    for (let query = 0; query < 10; query++) expect(await find(store, 'k499')).toEqual([]);
    expect(await find(store, 'k98')).toEqual(['m98']);
    accept();
    for (const i of [0, 98, 99, 499]) expect(await find(store, `k${i}`)).toEqual([`m${i}`]);
    await store.close();
  });

  it('finds what comes in after a restart', async () => {
    const more = { fileSystem: memoryFileSystem() };
    const store = await openStore(more);
    store.append(message({ body: 'before', properties: { KEYS: 'k' } }));
    await store.close();
    const again = await openStore(more);
    again.append(message({ body: 'after', properties: { KEYS: 'k' } }));
    await again.drain();
    expect(await find(again, 'k')).toEqual(['after', 'before']);
    await again.close();
  });

  it.each(['clean stop', 'kill', 'kill without a checkpoint', 'loss of the folder'])(
    'answers the same after a %s',
    async (how) => {
      const clock = new ManualClock();
      let fileSystem = memoryFileSystem();
      const more = { fileSystem, clock, maxIndexNum: 200 };
      const store = await openStore(more);
      for (let i = 0; i < 300; i++) store.append(message({ body: `m${i}`, properties: { KEYS: `k${i}` } }));
      await store.drain();
      if (how !== 'kill without a checkpoint') await clock.advance(40_000);
      for (let i = 300; i < 400; i++) store.append(message({ body: `m${i}`, properties: { KEYS: `k${i}` } }));
      await store.drain();
      if (how.startsWith('kill')) fileSystem = killed(fileSystem);
      await store.close();
      if (how.startsWith('loss')) fileSystem.removeTreeSync('/store/index');
      const again = await openStore({ ...more, fileSystem });
      for (let i = 0; i < 400; i += 7) expect(await find(again, `k${i}`)).toEqual([`m${i}`]);
      await again.close();
    },
  );
});
