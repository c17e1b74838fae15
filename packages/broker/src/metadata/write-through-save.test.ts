import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, silentLogger } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { ConfigFile } from './config-file.js';
import { WriteThroughSave } from './write-through-save.js';
import { MemoryFileSystem } from '../store/files/memory-file-system.js';

/** Saves that end when the test says so. */
function held(): { save: WriteThroughSave; table: string[]; written: string[]; end: (error?: Error) => Promise<void> } {
  const table: string[] = [];
  const written: string[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const file = {
    save: (value: string) =>
      new Promise<void>((resolve, reject) =>
        waiting.push((error) => {
          if (error) return reject(error);
          written.push(value);
          resolve();
        }),
      ),
  } as unknown as ConfigFile;
  const save = new WriteThroughSave({ file, logger: silentLogger, content: () => table.join() });
  const end = async (error?: Error): Promise<void> => {
    await Promise.resolve();
    waiting.shift()?.(error);
    await new Promise(setImmediate);
  };
  return { save, table, written, end };
}

describe('a file that is saved promptly', () => {
  it('is written once for all that changed while a save was under way', async () => {
    const { save, table, written, end } = held();
    for (const name of ['a', 'b', 'c', 'd']) {
      table.push(name);
      save.changed(name);
      await Promise.resolve();
    }
    await end();
    await end();
    await end();
    expect(written).toEqual(['a', 'a,b,c,d']);
  });

  it('vouches for what could not be saved when a later save has it', async () => {
    const { save, end } = held();
    save.changed('a');
    await end(new Error('ENOSPC'));
    save.changed('b');
    await end();
    expect([save.whenSaved('a'), save.whenSaved('b')]).toEqual([undefined, undefined]);
  });

  it('vouches for a change when the save that has it is done, not the one before', async () => {
    const { save, end } = held();
    save.changed('a');
    await Promise.resolve();
    save.changed('b');
    const done: string[] = [];
    void save.whenSaved('a')?.then(() => done.push('a'));
    void save.whenSaved('b')?.then(() => done.push('b'));
    await end();
    expect([done, save.whenSaved('a')]).toEqual([['a'], undefined]);
    await end();
    expect([done, save.whenSaved('b')]).toEqual([['a', 'b'], undefined]);
  });

  it('tells whoever waits that the disk did not take it, and tries again when asked again', async () => {
    const { save, table, written, end } = held();
    table.push('a');
    save.changed('a');
    const first = save.whenSaved('a');
    const refused = expect(first).rejects.toThrow('ENOSPC');
    await end(new Error('ENOSPC'));
    await refused;
    const second = save.whenSaved('a');
    await end();
    await second;
    expect([written, save.whenSaved('a')]).toEqual([['a'], undefined]);
  });
});

/** A disk on which no file gets its name while it is held. */
class SlowDisk extends MemoryFileSystem {
  #ended: Promise<void> = Promise.resolve();
  #end: () => void = () => {};

  override async rename(from: string, to: string): Promise<void> {
    await this.#ended;
    this.renameSync(from, to);
  }

  hold(): void {
    this.#ended = new Promise((resolve) => (this.#end = resolve));
  }

  release(): void {
    this.#end();
  }
}

let running: TestBroker | undefined;
afterEach(() => running?.stop());

async function started(): Promise<{ disk: SlowDisk; client: TestClient }> {
  const disk = new SlowDisk();
  running = await TestBroker.start({ fileSystem: disk });
  const client = await running.client();
  await client.send('known');
  return { disk, client };
}

describe('while the topics are being saved', () => {
  it('a message of a new topic is not answered, and a message of another one is', async () => {
    const { disk, client } = await started();
    disk.hold();
    let answered = false;
    const send = client.send('fresh', { body: '1' }).then((reply) => {
      answered = true;
      return reply;
    });
    expect((await client.send('known')).code).toBe(ResponseCode.SUCCESS);
    expect(answered).toBe(false);
    disk.release();
    expect((await send).code).toBe(ResponseCode.SUCCESS);
  });

  it('messages of a new topic keep their order', async () => {
    const { disk, client } = await started();
    disk.hold();
    const sends = ['1', '2', '3'].map((body) => client.send('fresh', { body }));
    await client.send('known');
    disk.release();
    await Promise.all(sends);
    await client.send('fresh', { body: '4' });
    const bodies = (await client.messages('fresh')).map(({ body }) => body.toString());
    expect(bodies).toEqual(['1', '2', '3', '4']);
  });

  it.each([
    ['made', { topic: 'fresh', readQueueNums: 4, writeQueueNums: 4, perm: 6 }],
    ['changed', { topic: 'known', readQueueNums: 8, writeQueueNums: 8, perm: 6 }],
  ])('a topic that is %s is not called so yet', async (_what, header) => {
    const { disk, client } = await started();
    disk.hold();
    let answered = false;
    const update = client.connection
      .request(Requests.UPDATE_AND_CREATE_TOPIC, {
        ...header,
        defaultTopic: 'TBW102',
        topicFilterType: 'SINGLE_TAG',
        order: false,
      })
      .then(() => (answered = true));
    await client.pull('known');
    expect(answered).toBe(false);
    disk.release();
    await update;
  });
});
