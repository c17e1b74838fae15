import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting';
import { LocalOffsetStore, memoryOffsetFile, nodeOffsetFile } from './local-offset-store.js';

const queue = { topic: 't', brokerName: 'broker-a', queueId: 1 };
const other = { topic: 't', brokerName: 'broker-a', queueId: 2 };

// What a 5.5.0 Java client had written, tabs and all.
const WRITTEN_BY_JAVA =
  '{\n\t"offsetTable":{{\n\t\t"brokerName":"broker-a",\n\t\t"queueId":1,\n\t\t"topic":"t"\n\t}:42\n\t}\n}';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offsets-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the offsets of a broadcasting consumer', () => {
  it('are there again after a restart', async () => {
    const path = join(folder, 'client', 'group', 'offsets.json');
    const before = new LocalOffsetStore(nodeOffsetFile(path), silentLogger);
    await before.load();
    before.update(queue, 5);
    await before.persist([queue]);
    const after = new LocalOffsetStore(nodeOffsetFile(path), silentLogger);
    await after.load();
    expect(await after.read(queue)).toBe(5);
    expect(await after.read(other)).toBeUndefined();
  });

  it("are read as Java's clients write them, and written so that they can read them", async () => {
    const file = memoryOffsetFile();
    await file.write(Buffer.from(WRITTEN_BY_JAVA));
    const store = new LocalOffsetStore(file, silentLogger);
    await store.load();
    expect(await store.read(queue)).toBe(42);
    store.update(other, 7);
    await store.persist([other, { ...queue }]);
    expect(String(await file.read())).toBe(
      '{"offsetTable":{{"brokerName":"broker-a","queueId":1,"topic":"t"}:42,{"brokerName":"broker-a","queueId":2,"topic":"t"}:7}}',
    );
  });

  it('never go back by an update', async () => {
    const store = new LocalOffsetStore(memoryOffsetFile(), silentLogger);
    store.update(queue, 5);
    store.update(queue, 3);
    expect(store.current(queue)).toBe(5);
  });

  it('outlive the queue being given up for a while', async () => {
    const store = new LocalOffsetStore(memoryOffsetFile(), silentLogger);
    store.update(queue, 5);
    store.forget();
    expect(await store.read(queue)).toBe(5);
  });

  it('that cannot be written are a warning, not an end', async () => {
    const warnings: string[] = [];
    const file = { ...memoryOffsetFile(), write: () => Promise.reject(new Error('disk full')) };
    const store = new LocalOffsetStore(file, { ...silentLogger, warn: (text) => warnings.push(text) });
    store.update(queue, 1);
    await store.persist([queue]);
    expect(warnings).toEqual([expect.stringContaining('disk full')]);
  });

  it('stand in one whole file', async () => {
    const path = join(folder, 'offsets.json');
    await nodeOffsetFile(path).write(Buffer.from('{}'));
    expect(await readFile(path, 'utf8')).toBe('{}');
  });
});
