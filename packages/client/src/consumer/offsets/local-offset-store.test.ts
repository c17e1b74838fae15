import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import { LocalOffsetStore } from './local-offset-store.js';
import { claimOffsetFile, memoryOffsetFile, nodeOffsetFile } from './offset-file.js';
import type { OffsetFile } from './offset-file.js';

const queue = { topic: 't', brokerName: 'broker-a', queueId: 1 };
const other = { topic: 't', brokerName: 'broker-a', queueId: 2 };

// What a 5.5.0 Java client had written, tabs and all.
const WRITTEN_BY_JAVA =
  '{\n\t"offsetTable":{{\n\t\t"brokerName":"broker-a",\n\t\t"queueId":1,\n\t\t"topic":"t"\n\t}:42\n\t}\n}';

async function storeOn(file: OffsetFile, logger: Logger = silentLogger): Promise<LocalOffsetStore> {
  const store = new LocalOffsetStore({ group: 'g', folder, claim: () => Promise.resolve(file), logger });
  await store.load();
  return store;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offsets-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the offsets of a broadcasting consumer', () => {
  it('T114: are there again after a restart', async () => {
    const path = join(folder, 'client', 'group', 'offsets.json');
    const before = await storeOn(nodeOffsetFile(path));
    before.update(queue, 5);
    await before.persist([queue]);
    const after = await storeOn(nodeOffsetFile(path));
    expect(await after.read(queue)).toBe(5);
    expect(await after.read(other)).toBeUndefined();
  });

  it("are read as Java's clients write them, and written so that they can read them", async () => {
    const file = memoryOffsetFile();
    await file.write(Buffer.from(WRITTEN_BY_JAVA));
    const store = await storeOn(file);
    expect(await store.read(queue)).toBe(42);
    store.update(other, 7);
    await store.persist([other, { ...queue }]);
    expect(String(await file.read())).toBe(
      '{"offsetTable":{{"brokerName":"broker-a","queueId":1,"topic":"t"}:42,{"brokerName":"broker-a","queueId":2,"topic":"t"}:7}}',
    );
  });

  it('T114: are stored of the queues that are named, and of these again each time', async () => {
    const file = memoryOffsetFile();
    const store = await storeOn(file);
    store.update(queue, 5);
    store.update(other, 9);
    await store.persist([queue]);
    const again = await storeOn(file);
    expect([await again.read(queue), await again.read(other)]).toEqual([5, undefined]);
    store.update(queue, 6);
    await store.persist([other]);
    const third = await storeOn(file);
    expect([await third.read(queue), await third.read(other)]).toEqual([6, 9]);
  });

  it('T114: of one topic or broker are none of another', async () => {
    const file = memoryOffsetFile();
    const store = await storeOn(file);
    const all = [queue, { ...queue, topic: 'u' }, { ...queue, brokerName: 'broker-b' }];
    for (const [index, each] of all.entries()) store.update(each, index + 1);
    await store.persist(all);
    const again = await storeOn(file);
    expect(await Promise.all(all.map((each) => again.read(each)))).toEqual([1, 2, 3]);
  });

  it('T114: never go back by an update', async () => {
    const store = await storeOn(memoryOffsetFile());
    store.update(queue, 5);
    store.update(queue, 3);
    expect(store.current(queue)).toBe(5);
  });

  it('T114: outlive the queue being given up for a while', async () => {
    const store = await storeOn(memoryOffsetFile());
    store.update(queue, 5);
    store.forget();
    expect(await store.read(queue)).toBe(5);
  });

  it('that cannot be written are a warning for each outage, and an error if the end comes before they are', async () => {
    const lines: string[] = [];
    const say = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
    let refusal: Error | undefined = new Error('EROFS: read-only file system');
    const file = {
      ...memoryOffsetFile(),
      name: '/data/offsets.json',
      write: () => (refusal ? Promise.reject(refusal) : Promise.resolve()),
    };
    const store = await storeOn(file, { ...silentLogger, log: say('log'), warn: say('warn'), error: say('error') });
    const persist = (offset: number): Promise<void> => {
      store.update(queue, offset);
      return store.persist([queue]);
    };
    await persist(1);
    await persist(2);
    const warning =
      /^warn \/data\/offsets\.json: .* group g cannot be written: EROFS.* Make the folder writable, or set local/;
    expect(lines).toEqual([expect.stringMatching(warning)]);
    refusal = undefined;
    await persist(3);
    expect(lines[1]).toBe('log /data/offsets.json: the offsets of broadcasting group g are written again');
    refusal = new Error('ENOSPC: no space left');
    await persist(4);
    await store.close();
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(/^warn .*ENOSPC/),
      expect.stringMatching(/^error \/data\/offsets\.json: the last offsets of broadcasting group g are lost/),
    ]);
  });

  it('that cannot be read are an error at the start, which leaves the file to the next one', async () => {
    let released = 0;
    const denied = new Error('EACCES: permission denied');
    const release = (): Promise<void> => Promise.resolve(void released++);
    for (const broken of [
      { read: () => Promise.reject(denied) },
      { read: () => Promise.resolve(Buffer.from('{')), setAside: () => Promise.reject(denied) },
    ]) {
      const start = storeOn({ ...memoryOffsetFile(), ...broken, release });
      await expect(start).rejects.toMatchObject({
        code: 'LOCAL_OFFSET_STORE',
        message: expect.stringMatching(/group g cannot be kept in .*: EACCES.* Set localOffsetStoreDir to .*'memory'/),
      });
    }
    expect(released).toBe(2);
  });

  it('stand in one whole file', async () => {
    const path = join(folder, 'offsets.json');
    await nodeOffsetFile(path).write(Buffer.from('{}'));
    expect(await readFile(path, 'utf8')).toBe('{}');
  });

  it('are written one after the other, the newest last', async () => {
    const contents: string[] = [];
    let open = 0;
    const write = async (content: Buffer): Promise<void> => {
      expect(++open).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      contents.push(String(content));
      open--;
    };
    const store = await storeOn({ ...memoryOffsetFile(), write });
    const writes = [];
    for (let offset = 1; offset <= 5; offset++) {
      store.update(queue, offset);
      writes.push(store.persist([queue]));
    }
    await Promise.all(writes);
    expect(contents.at(-1)).toContain(':5');
  });

  it('T114: stand beside a message that was there, and both are forgotten when they are of another store', async () => {
    const file = memoryOffsetFile();
    const store = await storeOn(file);
    const done = { queueOffset: 4, physicalOffset: 999, storeTimestamp: 123 };
    store.update(queue, 5, done as MessageExt);
    await store.persist([queue]);
    const again = await storeOn(file);
    expect(again.consumedMessage(queue)).toEqual(done);
    again.discard(queue);
    expect(again.consumedMessage(queue)).toBeUndefined();
    expect(await again.read(queue)).toBeUndefined();
  });

  it('that are damaged are set aside, and named', async () => {
    const path = join(folder, 'offsets.json');
    await writeFile(path, '{"offsetTable":{{"brok');
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const store = await storeOn(nodeOffsetFile(path), logger);
    expect(await store.read(queue)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(`${path} is damaged`)]);
    expect(await readFile(`${path}.damaged`, 'utf8')).toContain('brok');
  });
});

describe('the files of the consumers of one group and host', () => {
  it('are one for each that lives, and the same ones again after a restart', async () => {
    const first = await claimOffsetFile(folder, 'host@DEFAULT', 'g');
    const second = await claimOffsetFile(folder, 'host@DEFAULT', 'g');
    expect([first.place, second.place]).toEqual([1, 2]);
    await Promise.all([first.file.write(Buffer.from('1')), second.file.write(Buffer.from('2'))]);
    await first.file.release();
    const next = await claimOffsetFile(folder, 'host@DEFAULT', 'g');
    expect(next.place).toBe(1);
    expect(String(await next.file.read())).toBe('1');
  });

  it('are one for each also when many begin at once', async () => {
    const claims = Array.from({ length: 8 }, () => claimOffsetFile(folder, 'host@DEFAULT', 'g'));
    const paths = (await Promise.all(claims)).map(({ file }) => file.name);
    expect(new Set(paths).size).toBe(8);
  });

  it('of different groups have nothing to do with each other', async () => {
    const places = [];
    for (const group of ['g', 'h']) places.push((await claimOffsetFile(folder, 'host@DEFAULT', group)).place);
    expect(places).toEqual([1, 1]);
  });
});
