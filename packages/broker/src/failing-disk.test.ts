import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ManualClock,
  Requests,
  ResponseCode,
  SysFlag,
  decodeOffsetMsgId,
  decodeRecord,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../test-kit/broker.js';
import type { FileSystem, StoreFile } from './store/files/file-system.js';
import { later, memoryFileSystem } from './store/files/memory-file-system.js';

let running: TestBroker;
afterEach(() => running.stop());

type Operation = 'read' | 'write' | 'sync';

/** Files that can be told to refuse what is written to them, by the folder they are in. */
function failingFileSystem(): {
  fileSystem: FileSystem;
  /** @param after operations that succeed before */
  fail: (folder: string | undefined, operation?: Operation, after?: number) => void;
} {
  const whole = memoryFileSystem();
  let failing: string | undefined;
  let failingOperation: Operation = 'write';
  let left = 0;
  const guard = (path: string): void => {
    if (failing !== undefined && path.includes(`/${failing}/`) && left-- <= 0)
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  const openSync: FileSystem['openSync'] = (path, mode) => {
    const file = whole.openSync(path, mode);
    return new Proxy(file, {
      get(target, name) {
        const member = target[name as keyof StoreFile];
        if (typeof member !== 'function') return member;
        return (...args: never[]) => {
          if (name === failingOperation || name === `${failingOperation}Sync`) guard(path);
          return (member as (...given: never[]) => unknown).apply(target, args);
        };
      },
    });
  };
  const fileSystem: FileSystem = new Proxy(whole, {
    get: (target, name) => {
      if (name === 'openSync') return openSync;
      if (name === 'open') return (...args: Parameters<typeof openSync>) => later(() => openSync(...args));
      const member: unknown = target[name as keyof FileSystem];
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
  const fail = (folder: string | undefined, operation: Operation = 'write', after = 0): void => {
    failing = folder;
    left = after;
    failingOperation = operation;
  };
  return { fileSystem, fail };
}

describe('when the disk does not take the log', () => {
  it('a send is refused so that its client tries again, and succeeds when there is room', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    await client.send('t', { body: 'before' });
    fail('commitlog');
    expect((await client.send('t', { body: 'lost' })).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    fail(undefined);
    expect((await client.send('t', { body: 'after' })).code).toBe(ResponseCode.SUCCESS);
    expect((await client.messages('t')).map((message) => message.body.toString())).toEqual(['before', 'after']);
  });

  it('a message that is due waits, and comes once when there is room', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    await client.send('t', { body: 'due', properties: { DELAY: '1' } });
    fail('commitlog');
    await running.clock.advance(2000);
    expect(await client.messages('t')).toEqual([]);
    fail(undefined);
    await running.clock.advance(1000);
    expect(await client.messages('t')).toHaveLength(1);
  });

  it('messages with a time of their own wait in order, are neither sent twice nor recalled, and new ones are refused', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    const send = (body: string, ms: number) =>
      client.send('t', { body, properties: { UNIQ_KEY: body, TIMER_DELAY_MS: String(ms) } });
    await send('second', 1_200);
    await send('first', 1_000);
    const { recallHandle = '' } = (await send('third', 9_000)).header;
    const recall = () => client.connection.request(Requests.RECALL_MESSAGE, { topic: 't', recallHandle });
    fail('commitlog');
    await running.clock.advance(2_000);
    expect((await send('refused', 1_000)).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    expect(await recall()).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: 'recall failed, execute error' });
    expect(await client.messages('t')).toEqual([]);
    fail(undefined);
    await running.clock.advance(1_000);
    expect((await client.messages('t')).map(({ body }) => body.toString())).toEqual(['first', 'second']);
    await running.clock.advance(9_000);
    expect((await client.messages('t')).map(({ body }) => body.toString())).toEqual(['first', 'second', 'third']);
  });

  it('a half message whose commit was lost is asked about again', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    const { header } = await client.send('t', { sysFlag: 4, properties: { TRAN_MSG: 'true', PGROUP: 'p' } });
    const place = { tranStateTableOffset: header.queueOffset ?? -1, commitLogOffset: 0 };
    const verdict = { producerGroup: 'p', ...place, commitOrRollback: SysFlag.TRANSACTION_COMMIT, msgId: 'ABCDEF' };
    fail('commitlog');
    expect((await client.connection.request(Requests.END_TRANSACTION, verdict)).code).toBe(ResponseCode.SYSTEM_ERROR);
    fail(undefined);
    expect(await client.messages('t')).toEqual([]);
    expect((await client.connection.request(Requests.END_TRANSACTION, verdict)).code).toBe(ResponseCode.SUCCESS);
    expect(await client.messages('t')).toHaveLength(1);
  });

  it('a verdict that was lost takes no later one with it: after a restart that one still stands', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    const place = new Map<string, { tranStateTableOffset: number; commitLogOffset: number }>();
    for (const body of ['first', 'open', 'last']) {
      const { header } = await client.send('t', { body, sysFlag: 4, properties: { TRAN_MSG: 'true', PGROUP: 'p' } });
      const { physicalOffset: commitLogOffset } = decodeOffsetMsgId(header.msgId ?? '');
      place.set(body, { tranStateTableOffset: header.queueOffset ?? -1, commitLogOffset });
    }
    const rollback = (body: string) =>
      client.connection.request(Requests.END_TRANSACTION, {
        ...place.get(body)!,
        producerGroup: 'p',
        msgId: 'ABCDEF',
        commitOrRollback: SysFlag.TRANSACTION_ROLLBACK,
      });
    fail('commitlog');
    expect((await rollback('first')).code).toBe(ResponseCode.SYSTEM_ERROR);
    fail(undefined);
    expect((await rollback('last')).code).toBe(ResponseCode.SUCCESS);
    expect((await rollback('first')).code).toBe(ResponseCode.SUCCESS);
    await running.restart();
    const asked: string[] = [];
    const after = await running.client(
      handlerTable({
        CHECK_TRANSACTION_STATE: ({ body }) => void asked.push(decodeRecord(Buffer.from(body)).body.toString()),
      }),
    );
    await after.produce('producer', 'p');
    await running.clock.advance(6_000);
    expect(asked).toEqual(['open']);
  });
});

describe('when the disk takes a committed message, and then not that its half is decided', () => {
  it.each(['restart', 'restart at once', 'kill'])(
    'the message is delivered once, and nobody is asked about it, also after a %s',
    async (how) => {
      const { fileSystem, fail } = failingFileSystem();
      const asked: string[] = [];
      const producer = async () => {
        const handlers = handlerTable({
          CHECK_TRANSACTION_STATE: ({ body }) => void asked.push(decodeRecord(Buffer.from(body)).body.toString()),
        });
        const client = await running.client(handlers);
        await client.produce('producer', 'p');
        return client;
      };
      running = await TestBroker.start({ fileSystem, flushDelayOffsetInterval: 10 });
      const client = await producer();
      const half = { sysFlag: 4, properties: { TRAN_MSG: 'true', PGROUP: 'p' } };
      await client.send('t', { ...half, body: 'open' });
      const { header } = await client.send('t', { ...half, body: 'committed' });
      const { physicalOffset: commitLogOffset } = decodeOffsetMsgId(header.msgId ?? '');
      const place = { tranStateTableOffset: header.queueOffset ?? -1, commitLogOffset };
      const verdict = { producerGroup: 'p', ...place, commitOrRollback: SysFlag.TRANSACTION_COMMIT, msgId: 'ABCDEF' };
      fail('commitlog', 'write', 1);
      const { code } = await client.connection.request(Requests.END_TRANSACTION, verdict);
      fail(undefined);
      expect(code).toBe(ResponseCode.SUCCESS);
      if (how === 'restart') {
        await running.clock.advance(6_000);
        expect(asked).toEqual(['open']);
      }
      if (how !== 'kill') await running.restart();
      else {
        // Its delivery has the position saved from which on the log is read after a kill.
        await client.send('other', { properties: { DELAY: '1' } });
        await running.clock.advance(1_500);
        await running.killAndRestart();
      }
      const after = await producer();
      asked.length = 0;
      await running.clock.advance(6_000);
      expect(asked).toEqual(['open']);
      expect(await after.messages('t')).toHaveLength(1);
    },
  );
});

describe('when the disk does not take the configuration', () => {
  it('offsets are kept in memory and written later', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    await client.subscribe('me', 'g', { t: '*' });
    await client.send('t');
    const place = { consumerGroup: 'g', topic: 't', queueId: 0 };
    fail('config');
    await client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...place, commitOffset: 1 });
    await running.clock.advance(6000);
    fail(undefined);
    await running.restart();
    const after = await running.client();
    expect((await after.connection.request(Requests.QUERY_CONSUMER_OFFSET, place)).header.offset).toBe(1);
  });

  it('a send that would make a topic is refused, and taken when there is room', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    fail('config');
    expect((await client.send('fresh')).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await client.send('fresh')).code).toBe(ResponseCode.SYSTEM_ERROR);
    fail(undefined);
    expect((await client.send('fresh', { body: 'now' })).code).toBe(ResponseCode.SUCCESS);
    expect((await client.messages('fresh')).map(({ body }) => body.toString())).toEqual(['now']);
  });

  it('a heartbeat and a pull of a new group are answered', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    const client = await running.client();
    await client.send('t');
    fail('config');
    await client.subscribe('me', 'new', { t: '*' });
    expect(await client.messages('t', { group: 'new' })).toHaveLength(1);
    fail(undefined);
  });
});

describe('with flush: sync', () => {
  it('a send is answered when the disk has it', async () => {
    running = await TestBroker.start({ flush: 'sync', clock: new ManualClock() });
    const client = await running.client();
    expect((await client.send('t')).code).toBe(ResponseCode.SUCCESS);
    expect(await client.messages('t')).toHaveLength(1);
  });

  it('a send is refused when the flush fails, and so is every later one', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem, flush: 'sync' });
    const client = await running.client();
    await client.send('t');
    fail('commitlog', 'sync');
    expect((await client.send('t')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    fail(undefined);
    await client.send('t');
    expect(await client.messages('t')).toHaveLength(1);
  });
});

describe('when the disk cannot be read', () => {
  it.each([['TIMER_DELAY_SEC'], ['DELAY']])(
    'a message that is due with %s is tried for half a minute and then left out, which is told: later ones come',
    async (kind) => {
      const { fileSystem, fail } = failingFileSystem();
      const errors: string[] = [];
      const logger = { ...silentLogger, error: (text: string) => void errors.push(text) };
      running = await TestBroker.start({ fileSystem, logger });
      await (await running.client()).send('t', { body: 'lost', properties: { [kind]: '1' } });
      await running.restart();
      fail('commitlog', 'read');
      await running.clock.advance(20_000);
      expect(errors).toEqual([]);
      await running.clock.advance(20_000);
      fail(undefined);
      expect(errors).toEqual([expect.stringContaining('position 0 ')]);
      const after = await running.client();
      await after.send('t', { body: 'later', properties: { [kind]: '1' } });
      await running.clock.advance(1_000);
      expect((await after.messages('t')).map(({ body }) => body.toString())).toEqual(['later']);
    },
  );

  it('a broker stops all the same, and leaves its store to the next one', async () => {
    const { fileSystem, fail } = failingFileSystem();
    running = await TestBroker.start({ fileSystem });
    await (await running.client()).send('t', { properties: { TIMER_DELAY_SEC: '60' } });
    await running.restart();
    fail('consumequeue', 'read');
    await running.broker.stop();
    fail(undefined);
    await running.restart();
    await running.clock.advance(60_000);
    expect(await (await running.client()).messages('t')).toHaveLength(1);
  });

  it.each(['consumequeue', 'commitlog'])(
    'a pull that wants %s is told so, and served when it can be',
    async (folder) => {
      const { fileSystem, fail } = failingFileSystem();
      running = await TestBroker.start({ fileSystem });
      await (await running.client()).send('t', { body: 'a' });
      await running.restart();
      const client = await running.client();
      fail(folder, 'read');
      const { code, remark } = await client.pull('t');
      expect([code, remark]).toEqual([ResponseCode.SYSTEM_ERROR, 'EIO']);
      fail(undefined);
      expect(await client.messages('t')).toHaveLength(1);
    },
  );
});
