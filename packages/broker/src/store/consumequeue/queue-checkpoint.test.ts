// What a start makes of the file `consumequeue.checkpoint` when it is older than the rest, damaged, or tells of what was
// removed on purpose.
import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { MemoryFileSystem, memoryFileSystem } from '../files/memory-file-system.js';
import type { MessageStore, StoreOptions } from '../store.js';
import { bodies, killed, message, openStore } from '../../../test-kit/store.js';

const FILE = '/store/consumequeue.checkpoint';
const HOURS = Array.from({ length: 24 }, (_, hour) => hour).join(';');

async function opened(
  fileSystem: MemoryFileSystem,
  more: Partial<StoreOptions> = {},
): Promise<{ store: MessageStore; said: string[] }> {
  const said: string[] = [];
  const say = (text: unknown): number => said.push(String(text));
  return { store: await openStore({ fileSystem, logger: { ...silentLogger, warn: say, error: say }, ...more }), said };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

function send(store: MessageStore, from: number, to: number, topic = 'T'): void {
  for (let i = from; i < to; i++) store.append(message({ topic, body: `m${i}` }));
}

function copyFile(from: MemoryFileSystem, to: MemoryFileSystem, path: string): void {
  to.files.set(path, from.files.get(path)!.clone());
}

/** As Apache RocketMQ goes on with a store: it changes the checkpoint, and leaves our checksum in it as it is. */
function asByApache(fileSystem: MemoryFileSystem): void {
  fileSystem.openSync('/store/checkpoint', 'write').writeSync(Buffer.from([7]), 0, 1, 7);
}

describe('the checkpoint of the queues', () => {
  it.each(['stopped', 'killed'])(
    'is good for what was there when another broker has gone on since (%s)',
    async (end) => {
      let files = memoryFileSystem();
      let { store, said } = await opened(files);
      send(store, 0, 150);
      await store.close();
      const old = killed(files);
      ({ store } = await opened(files));
      send(store, 150, 330);
      send(store, 0, 5, 'U');
      await store.drain();
      if (end === 'killed') files = killed(files);
      await store.close();
      copyFile(old, files, FILE);
      asByApache(files);
      ({ store, said } = await opened(files));
      expect([await bodies(store), await bodies(store, 'U'), said]).toEqual([names(330), names(5), []]);
      expect(store.metrics.recoveredRecords).toBe(185);
      await store.close();
    },
  );

  it('may be newer than the checkpoint of the log', async () => {
    const files = memoryFileSystem();
    const clock = new ManualClock(1_700_000_000_000);
    let { store, said } = await opened(files, { clock });
    send(store, 0, 100);
    await store.drain();
    await clock.advance(6_000);
    const old = killed(files);
    send(store, 100, 200);
    await store.drain();
    await clock.advance(6_000);
    const between = killed(files);
    await store.close();
    copyFile(old, between, '/store/checkpoint');
    ({ store, said } = await opened(between));
    expect([await bodies(store), said]).toEqual([names(200), []]);
    await store.close();
  });

  it('costs nothing but time when it is damaged, at whatever byte', async () => {
    const files = memoryFileSystem();
    const first = await opened(files);
    send(first.store, 0, 120);
    await first.store.close();
    const size = files.statSync(FILE)!.size;
    for (let at = 0; at < size; at += 7) {
      const damaged = killed(files);
      damaged.openSync(FILE, 'write').writeSync(Buffer.from([0x5a]), 0, 1, at);
      if (at % 2 === 0) damaged.openSync(FILE, 'write').truncateSync(at);
      const { store, said } = await opened(damaged);
      expect([at, await bodies(store), said]).toEqual([at, names(120), []]);
      expect(store.append(message()).queueOffset).toBe(120);
      await store.close();
    }
  });

  it('does not bring back a topic that was deleted, nor its messages before when it is made anew', async () => {
    const files = memoryFileSystem();
    let { store, said } = await opened(files);
    send(store, 0, 50);
    send(store, 0, 50, 'U');
    await store.drain();
    await store.deleteTopic('U');
    await store.close();
    for (const anew of [false, true]) {
      ({ store, said } = await opened(files));
      expect([await bodies(store), store.maxOffset('U', 0), said]).toEqual([names(50), 0, []]);
      if (anew) send(store, 7, 9, 'U');
      await store.close();
    }
    // With another queue damaged, too.
    files.removeTreeSync('/store/consumequeue/T');
    ({ store } = await opened(files));
    expect([await bodies(store), await bodies(store, 'U')]).toEqual([names(50), ['m7', 'm8']]);
    await store.close();
  });

  it('says nothing of files that were just being removed for their age when the store was killed', async () => {
    const now = { time: 1_700_000_000_000 };
    const images: MemoryFileSystem[] = [];
    const files = new (class extends MemoryFileSystem {
      override removeSync(path: string): void {
        super.removeSync(path);
        if (/commitlog|consumequeue/.test(path)) images.push(killed(this));
      }
    })(() => now.time);
    const clock = new ManualClock(now.time);
    const { store } = await opened(files, {
      mappedFileSizeCommitLog: 20_000,
      clock,
      fileReservedTime: 1,
      deleteWhen: HOURS,
    });
    for (let i = 0; i < 140; i++) store.append(message({ body: `${i}`.padEnd(900) }));
    await store.drain();
    await clock.advance(2 * 3_600_000);
    await store.close();
    expect(images.length).toBeGreaterThan(5);
    for (const image of images) {
      const { store: again, said } = await opened(image, { mappedFileSizeCommitLog: 20_000 });
      const first = again.minOffset('T', 0);
      expect([said, (await bodies(again)).length]).toEqual([[], 140 - first]);
      expect(first).toBeLessThanOrEqual(Math.ceil(again.metrics.minPhysicalOffset / 990));
      expect(again.append(message()).queueOffset).toBe(140);
      await again.close();
    }
  });

  it.each(['stopped', 'killed'])('keeps the offsets of a queue whose messages are all too old (%s)', async (end) => {
    const now = { time: 1_700_000_000_000 };
    let files = memoryFileSystem(() => now.time);
    const clock = new ManualClock(now.time);
    const sizes = {
      mappedFileSizeCommitLog: 20_000,
      clock,
      fileReservedTime: 1,
      deleteWhen: HOURS,
    };
    let { store, said } = await opened(files, sizes);
    send(store, 0, 30, 'U');
    for (let i = 0; i < 40; i++) store.append(message({ body: Buffer.alloc(1_000) }));
    await store.drain();
    await clock.advance(2 * 3_600_000);
    expect([store.minOffset('U', 0), store.maxOffset('U', 0), store.metrics.minPhysicalOffset]).toEqual([
      30, 30, 40_000,
    ]);
    if (end === 'killed') files = killed(files);
    await store.close();
    for (const damage of ['', '/store/consumequeue/U', '/store/consumequeue']) {
      if (damage !== '') files.removeTreeSync(damage);
      ({ store, said } = await opened(files, sizes));
      expect([damage, store.minOffset('U', 0), store.maxOffset('U', 0), store.maxOffset('T', 0)]).toEqual([
        damage,
        30,
        30,
        40,
      ]);
      if (damage !== '/store/consumequeue')
        expect([damage, said, store.metrics.recoveredRecords]).toEqual([damage, [], 0]);
      await store.close();
    }
    ({ store } = await opened(files, sizes));
    expect(store.append(message({ topic: 'U' })).queueOffset).toBe(30);
    await store.close();
  });

  it('lets a queue that begins within a file have fillers before, when the file is written anew', async () => {
    const now = { time: 1_700_000_000_000 };
    const files = memoryFileSystem(() => now.time);
    const clock = new ManualClock(now.time);
    const sizes = { mappedFileSizeCommitLog: 20_000, clock, fileReservedTime: 1, deleteWhen: HOURS };
    let { store } = await opened(files, sizes);
    for (let i = 0; i < 70; i++) store.append(message({ body: `${i}`.padEnd(900) }));
    await store.drain();
    await clock.advance(2 * 3_600_000);
    const first = store.minOffset('T', 0);
    await store.close();
    const path = '/store/consumequeue/T/0/00000000000000000000';
    files.openSync(path, 'write').writeSync(Buffer.alloc(2_000), 0, 2_000, 0);
    ({ store } = await opened(files, sizes));
    expect([store.minOffset('T', 0), (await bodies(store)).length]).toEqual([first, 70 - first]);
    await store.close();
    const entries = Buffer.alloc(2_000);
    files.openSync(path, 'read').readSync(entries, 0, 2_000, 0);
    expect(Array.from({ length: 70 }, (_, i) => entries.readInt32BE(i * 20 + 8)).every((size) => size > 0)).toBe(true);
  });
});
