// Tests a stopped broker whose files are missing, cut or empty, or have others beside them, and a disk that cannot be read
// any more.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, ResponseCode, encodeProperties } from '@nest-rocketmq/remoting/internal';
import { MemoryFile, MemoryFileSystem, fileError, memoryFileSystem, startBroker } from '@nest-rocketmq/broker/internal';
import type { Broker, FileSystem, OpenMode } from '@nest-rocketmq/broker/internal';
import { connectTo } from './in-process.js';
import { QUEUES, pull, readBack, sendOne } from './load.js';
import { ROOT, copyOf, filled, openStore } from './store-on.js';
import { readAll } from './simulate.js';

const COUNT = 40;
/** Offsets that are committed in the first and in the second life. */
const BEFORE = 4;
const COMMITTED = 5;
const CONFIGS = ['topics.json', 'subscriptionGroup.json', 'consumerOffset.json', 'delayOffset.json'];
const place = { consumerGroup: 'crash-readers', topic: 'crash', queueId: 0 };

let broker: Broker | undefined;
afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

/** A whole index is 420 MB, which even a file in memory takes its time for. */
const SMALL_INDEX = { maxHashSlotNum: 500, maxIndexNum: 2_000 };

const start = async (fileSystem: FileSystem, clock = new ManualClock()): Promise<Broker> =>
  (broker = await startBroker({ clock, fileSystem, store: ROOT, ...SMALL_INDEX }));

/** A broker's files after two lives, so that there are backups. */
async function used(): Promise<MemoryFileSystem> {
  const files = memoryFileSystem();
  for (let life = 0; life < 2; life++) {
    const clock = new ManualClock();
    const connection = await connectTo(await start(files, clock));
    await sendOne(connection, 'due', { topic: 'delayed', properties: encodeProperties([['DELAY', '1']]) });
    await clock.advance(2_000);
    for (let i = 0; i < COUNT / 2; i++) await sendOne(connection, `${life}-${i}`, { queueId: i % QUEUES });
    // Its first pull makes the group.
    await pull(connection, { offset: 0 });
    const { code } = await connection.request(Requests.UPDATE_CONSUMER_OFFSET, {
      ...place,
      commitOffset: BEFORE + life,
    });
    expect(code).toBe(0);
    await broker?.stop();
  }
  broker = undefined;
  return files;
}

async function offsetOf(running: Broker): Promise<number | undefined> {
  const { code, header } = await (await connectTo(running)).request(Requests.QUERY_CONSUMER_OFFSET, place);
  return code === ResponseCode.SUCCESS ? header.offset : undefined;
}

describe('a broker whose files are gone', () => {
  it.each(['consumequeue', 'index', 'checkpoint', 'lock', 'consumequeue, index, checkpoint, lock'])(
    'has all messages and offsets without %s',
    async (names) => {
      const files = await used();
      for (const name of names.split(', ')) {
        files.removeSync(`${ROOT}/${name}`);
        files.removeTreeSync(`${ROOT}/${name}`);
      }
      const running = await start(files);
      expect(await readBack(await connectTo(running))).toHaveLength(COUNT);
      expect(await offsetOf(running)).toBe(COMMITTED);
    },
  );

  it.each(CONFIGS)('takes the backup of %s', async (name) => {
    const files = await used();
    files.removeSync(`${ROOT}/config/${name}`);
    const running = await start(files);
    expect(await readBack(await connectTo(running))).toHaveLength(COUNT);
    expect(await offsetOf(running)).toBe(name === 'consumerOffset.json' ? BEFORE : COMMITTED);
  });

  it('begins its groups anew, and leaves out no message, when the offsets and their backup are gone', async () => {
    const files = await used();
    for (const name of ['consumerOffset.json', 'consumerOffset.json.bak']) files.removeSync(`${ROOT}/config/${name}`);
    expect((await offsetOf(await start(files))) ?? 0).toBe(0);
  });

  it('serves a topic again as soon as somebody sends to it, when all of its configuration is gone', async () => {
    const files = await used();
    files.removeTreeSync(`${ROOT}/config`);
    const connection = await connectTo(await start(files));
    expect(await sendOne(connection, 'more')).toBe(0);
    expect(await readBack(connection)).toHaveLength(COUNT + 1);
  });
});

describe('a broker whose configuration is cut', () => {
  it.each(CONFIGS)('at whatever byte of %s starts with the backup', async (name) => {
    const whole = await used();
    const path = `${ROOT}/config/${name}`;
    const size = whole.statSync(path)?.size ?? 0;
    for (let length = 0; length < size; length += Math.ceil(size / 10)) {
      const files = copyOf(whole);
      files.openSync(path, 'write').truncateSync(length);
      const running = await start(files);
      expect(await readBack(await connectTo(running))).toHaveLength(COUNT);
      expect(await offsetOf(running)).toBe(name === 'consumerOffset.json' ? BEFORE : COMMITTED);
      await running.stop();
    }
  });

  it.each(CONFIGS)('and the backup of %s too, has all messages, and keeps what was there', async (name) => {
    const files = await used();
    for (const path of [`${ROOT}/config/${name}`, `${ROOT}/config/${name}.bak`])
      files.openSync(path, 'write').truncateSync(3);
    const running = await start(files);
    expect(await readBack(await connectTo(running))).toHaveLength(COUNT);
    expect(await offsetOf(running)).toBe(name === 'consumerOffset.json' ? 0 : COMMITTED);
    const kept = files.listSync(`${ROOT}/config`).filter((entry) => entry.name.includes('.damaged-'));
    expect(kept).toHaveLength(2);
  });
});

describe('files beside those of the store', () => {
  it.each([
    'commitlog/x',
    'commitlog/00000000000000000000.bak',
    'consumequeue/T/0/x',
    'consumequeue/x',
    'index/x',
    'config/x.json',
    'x',
  ])('such as %s are left as they are', async (name) => {
    const { files, all } = await filled(COUNT);
    files.openSync(`${ROOT}/checkpoint`, 'read');
    files.makeDirectorySync(`${ROOT}/config`);
    files.openSync(`${ROOT}/${name}`, 'create').writeSync(Buffer.from('mine'), 0, 4, 0);
    const store = await openStore(files);
    expect(await readAll(store)).toEqual(all);
    await store.close();
    expect(files.statSync(`${ROOT}/${name}`)?.size).toBe(4);
  });
});

describe('a disk that cannot be read in one place', () => {
  it('costs the pulls of that place only', async () => {
    const { files, all } = await filled(COUNT);
    let failing = '';
    const fileSystem = new (class extends MemoryFileSystem {
      override openSync(path: string, mode: OpenMode): MemoryFile {
        const file = super.openSync(path, mode);
        const readSync = file.readSync.bind(file);
        file.readSync = (target, offset, length, position) => {
          if (path === failing) throw fileError('EIO', path);
          return readSync(target, offset, length, position);
        };
        return file;
      }
    })();
    for (const [path, content] of files.files) fileSystem.files.set(path, content);
    for (const path of files.directories) fileSystem.directories.add(path);
    const store = await openStore(fileSystem);
    failing = `${ROOT}/commitlog/00000000000000000000`;
    await expect(store.getMessage('T', 0, 0, 32, 65_536)).rejects.toThrow('EIO');
    failing = '';
    expect(await readAll(store)).toEqual(all);
    await store.close();
  });

  it('is reported to the client that pulls; its connection and the others stay open', async () => {
    const files = await used();
    const running = await start(files);
    const connection = await connectTo(running);
    const log = files.files.get(`${ROOT}/commitlog/00000000000000000000`);
    if (!log) throw new Error('there is no log');
    const read = log.read.bind(log);
    log.read = () => {
      throw fileError('EIO', 'the log');
    };
    expect((await pull(connection, { offset: 0 })).code).toBe(ResponseCode.SYSTEM_ERROR);
    log.read = read;
    expect(await readBack(connection)).toHaveLength(COUNT);
  });
});
