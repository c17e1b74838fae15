// Damage to the files of a store that is stopped, and what is still served then.
import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { memoryFileSystem } from './files/memory-file-system.js';
import type { MemoryFileSystem } from './files/memory-file-system.js';
import { bodies, killed, message, openStore } from '../../test-kit/store.js';

const LOG = '/store/commitlog/00000000000000000000';
const COUNT = 200;
/** Bytes of each record below: 91 + topic `T` + body `m000`. */
const SIZE = 96;
const ALL = Array.from({ length: COUNT }, (_, i) => `m${String(i).padStart(3, '0')}`);

async function written(stop: 'clean' | 'killed'): Promise<MemoryFileSystem> {
  const fileSystem = memoryFileSystem();
  const store = await openStore({ fileSystem });
  for (const body of ALL) store.append(message({ body }));
  await store.close();
  if (stop === 'killed') {
    const abort = fileSystem.openSync('/store/abort', 'create');
    abort.writeSync(Buffer.from('4194304'), 0, 7, 0);
    for (const name of ['checkpoint', 'consumequeue.checkpoint']) fileSystem.removeSync(`/store/${name}`);
  }
  return fileSystem;
}

function change(fileSystem: MemoryFileSystem, at: number, mask: number, path = LOG): void {
  const file = fileSystem.openSync(path, 'write');
  const byte = Buffer.alloc(1);
  file.readSync(byte, 0, 1, at);
  byte[0]! ^= mask;
  file.writeSync(byte, 0, 1, at);
}

const without = (...lost: number[]): string[] => ALL.filter((_, i) => !lost.includes(i));

describe.each(['clean', 'killed'] as const)('a store that was stopped (%s) and has one bit flipped', (stop) => {
  it.each([
    ['body', 90],
    ['checksum', 8],
    ['length', 1],
    ['magic', 5],
    ['physical offset', 35],
    ['length of the body', 87],
    ['length of the topic', 92],
    ['length of the properties', 95],
  ])('in the %s of a record in the middle loses that message only', async (_, offset) => {
    const fileSystem = await written(stop);
    change(fileSystem, 100 * SIZE + offset, 0x10);
    const said: string[] = [];
    const store = await openStore({ fileSystem, logger: { ...silentLogger, error: (text) => said.push(text) } });
    expect(await bodies(store)).toEqual(without(100));
    expect(said.join()).toMatch(new RegExp(`\\b${100 * SIZE}\\b`));
    const { corruptRanges, corruptRecords } = store.metrics;
    expect(corruptRanges + corruptRecords).toBeGreaterThan(0);
    expect(store.append(message()).queueOffset).toBe(COUNT);
    await store.close();
  });

  it('finds every message but the damaged ones, however many are damaged', async () => {
    const fileSystem = await written(stop);
    for (const i of [3, 50, 51, 52, 120]) change(fileSystem, i * SIZE + 90, 1);
    const store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(without(3, 50, 51, 52, 120));
    await store.close();
  });
});

describe('a store that was stopped cleanly', () => {
  it('does not give the place of its last message to another one when that is damaged', async () => {
    const fileSystem = await written('clean');
    change(fileSystem, (COUNT - 1) * SIZE + 90, 1);
    const store = await openStore({ fileSystem });
    expect([await bodies(store), store.metrics.corruptRanges]).toEqual([without(COUNT - 1), 1]);
    expect(store.append(message()).queueOffset).toBe(COUNT);
    await store.close();
  });

  it.each([5, 20, 40, 47, 64, 70, 71, 79, 87, 90])(
    'has all messages when byte %i of its checkpoint is another',
    async (byte) => {
      const fileSystem = await written('clean');
      change(fileSystem, byte, 0x10, '/store/checkpoint');
      const store = await openStore({ fileSystem });
      expect(await bodies(store)).toEqual(ALL);
      await store.close();
    },
  );

  it('does not serve a record that says it has another place in its queue', async () => {
    const fileSystem = await written('clean');
    change(fileSystem, 100 * SIZE + 27, 4);
    const store = await openStore({ fileSystem });
    expect([await bodies(store), store.metrics.corruptRecords]).toEqual([without(100), 1]);
    await store.close();
  });
});

describe('a store that was killed', () => {
  it.each([1, 4, 7])(
    'has the last message of a queue whose entry is another in its byte %i, behind the checkpoint or not',
    async (byte) => {
      const fileSystem = memoryFileSystem();
      let store = await openStore({ fileSystem });
      for (const body of ALL) store.append(message({ body, queueId: Number(body.slice(1)) % 2 }));
      await store.close();
      const abort = fileSystem.openSync('/store/abort', 'create');
      abort.writeSync(Buffer.from('4194304'), 0, 7, 0);
      change(fileSystem, 99 * 20 + byte, 0x40, '/store/consumequeue/T/0/00000000000000000000');
      store = await openStore({ fileSystem });
      expect(await bodies(store)).toEqual(ALL.filter((_, i) => i % 2 === 0));
      await store.close();
    },
  );

  it('T190: drops a last record that is torn, at whatever byte, and goes on behind the one before', async () => {
    for (let kept = 0; kept < SIZE; kept++) {
      const fileSystem = await written('killed');
      const end = COUNT * SIZE;
      fileSystem.openSync(LOG, 'write').writeSync(Buffer.alloc(SIZE), 0, SIZE - kept, end - SIZE + kept);
      let store = await openStore({ fileSystem });
      // A zero is what the last byte was before: nothing is missing then.
      const expected = (await bodies(store)).length === COUNT ? ALL : without(COUNT - 1);
      expect(await bodies(store)).toEqual(expected);
      store.append(message({ body: 'next' }));
      await store.close();
      store = await openStore({ fileSystem });
      expect(await bodies(store)).toEqual([...expected, 'next']);
      await store.close();
    }
  });

  it('never brings back what was behind the place where the log was cut', async () => {
    const fileSystem = await written('killed');
    // The beginning of the last ten records is lost: nothing good follows but their stale ends.
    fileSystem.openSync(LOG, 'write').writeSync(Buffer.alloc(10 * SIZE - 20), 0, 10 * SIZE - 20, (COUNT - 10) * SIZE);
    const store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(ALL.slice(0, COUNT - 10));
    await store.close();
    const rest = Buffer.alloc(10 * SIZE, 1);
    fileSystem.openSync(LOG, 'read').readSync(rest, 0, rest.length, (COUNT - 10) * SIZE);
    expect(rest.every((byte) => byte === 0)).toBe(true);
  });

  it('serves what is before and behind a file of the log that is gone', async () => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem });
    for (let i = 0; i < 30; i++) store.append(message({ body: Buffer.alloc(10_000, 65 + i) }));
    await store.close();
    fileSystem.removeSync('/store/commitlog/00000000000000065536');
    for (const kill of [false, true]) {
      if (kill) fileSystem.removeTreeSync('/store/consumequeue');
      store = await openStore({ fileSystem });
      const served = (await bodies(store)).map((body) => body.charCodeAt(0) - 65);
      expect(served).toEqual([...Array(30).keys()].filter((i) => i < 6 || i >= 12));
      expect(store.maxOffset('T', 0)).toBe(30);
      await store.close();
    }
  });
});

describe('a store with a checksum over each record', () => {
  it('refuses a record with one bit flipped in its properties', async () => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem, enabledAppendPropCRC: true });
    const { size } = store.append(message({ body: 'a', properties: { colour: 'red' } }));
    store.append(message({ body: 'b', properties: { colour: 'red' } }));
    await store.close();
    change(fileSystem, size - 25, 1);
    store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(['b']);
    await store.close();
  });
});

describe('files that are not the store’s', () => {
  it('are left alone', async () => {
    const fileSystem = await written('clean');
    fileSystem.openSync('/store/commitlog/notes.txt', 'create').writeSync(Buffer.from('x'), 0, 1, 0);
    const store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(ALL);
    await store.close();
    expect(fileSystem.statSync('/store/commitlog/notes.txt')?.size).toBe(1);
  });

  it.each([
    ['mappedFileSizeCommitLog', 131_072],
    ['mappedFileSizeConsumeQueue', 4_000],
  ])('of another size than %s says are refused, and nothing is touched', async (option, size) => {
    const fileSystem = await written('clean');
    await expect(openStore({ fileSystem, [option]: size })).rejects.toThrow(option);
    const store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(ALL);
    await store.close();
  });
});

describe('a damaged consume queue', () => {
  it.each([0, 3, 7, 8, 10, 11])(
    'is put right when an entry in the middle has a bit flipped in its byte %i',
    async (byte) => {
      const fileSystem = await written('clean');
      change(fileSystem, 40 * 20 + byte, 0x20, '/store/consumequeue/T/0/00000000000000000000');
      let store = await openStore({ fileSystem });
      expect(await bodies(store)).toEqual(ALL);
      expect(store.metrics.repairedEntries).toBe(1);
      await store.close();
      store = await openStore({ fileSystem });
      expect([(await bodies(store)).length, store.metrics.repairedEntries]).toEqual([COUNT, 0]);
      await store.close();
    },
  );

  it.each([
    ['queue', (i: number) => ({ topic: 'T', queueId: i % 2 })],
    ['topic', (i: number) => ({ topic: 'TU'.charAt(i % 2) })],
  ])('is put right when a flipped bit leads to a good message of the same number in another %s', async (_, place) => {
    const fileSystem = memoryFileSystem();
    let store = await openStore({ fileSystem });
    // Records of 128 bytes each: one bit is the way from one to the next.
    for (let i = 0; i < 200; i++) store.append(message({ body: `${i}`.padEnd(128 - SIZE + 4), ...place(i) }));
    await store.close();
    change(fileSystem, 40 * 20 + 7, 0x80, '/store/consumequeue/T/0/00000000000000000000');
    store = await openStore({ fileSystem });
    expect((await bodies(store)).map(Number)).toEqual(Array.from({ length: 100 }, (_unused, i) => 2 * i));
    expect(store.metrics.repairedEntries).toBe(1);
    await store.close();
  });

  it.each(['T', 'T/0', 'T/0/00000000000000002000'])('is built anew when %s of the folder is gone', async (name) => {
    const fileSystem = await written('clean');
    let store = await openStore({ fileSystem });
    // The newest message is in another queue, so that the end of the log says nothing about the lost one.
    store.append(message({ topic: 'U' }));
    await store.close();
    fileSystem.removeTreeSync(`/store/consumequeue/${name}`);
    store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(ALL);
    await store.close();
  });

  it.each([0, 4, 8, 11])('is built anew when the last entry has a bit flipped in its byte %i', async (byte) => {
    const fileSystem = await written('clean');
    change(fileSystem, (COUNT % 100 || 100) * 20 - 20 + byte, 0x40, '/store/consumequeue/T/0/00000000000000002000');
    const store = await openStore({ fileSystem });
    expect(await bodies(store)).toEqual(ALL);
    await store.close();
  });
});

describe('the last entry of a consume queue', () => {
  it.each([0x80, 0x40, 0x01])(
    'costs no message when its size is damaged and the broker is killed (%i)',
    async (mask) => {
      const running = memoryFileSystem();
      const clock = new ManualClock(1_700_000_000_000);
      const store = await openStore({ fileSystem: running, clock });
      for (const body of ALL) store.append(message({ body }));
      await store.drain();
      // The checkpoint is behind all of them.
      await clock.advance(10_000);
      const fileSystem = killed(running);
      await store.close();
      change(fileSystem, 99 * 20 + 8, mask, '/store/consumequeue/T/0/00000000000000002000');
      const again = await openStore({ fileSystem });
      expect(await bodies(again)).toEqual(ALL);
      await again.close();
    },
  );
});
