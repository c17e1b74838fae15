import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Connection, ManualClock, handlerTable, silentLogger } from '@nest-rocketmq/remoting/internal';
import { KillPoints, START, TestBroker, TestClient } from '../../test-kit/broker.js';
import { startBroker } from '../broker.js';
import type { BrokerOptions } from '../config/broker-options.js';
import { memoryFileSystem } from '../store/files/memory-file-system.js';
import type { FileSystem } from '../store/files/file-system.js';
import { killed } from '../../test-kit/store.js';

const SECOND = 1000;
const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/store');
const ENDS: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ENDS.splice(0).reverse()) await end();
});

/** Of the store that Apache 5.5.0 wrote. */
const GOLDEN: BrokerOptions = {
  brokerName: 'gold-clean',
  mappedFileSizeCommitLog: 1_048_576,
  mappedFileSizeConsumeQueue: 2_000,
  mappedFileSizeTimerLog: 1_048_576,
  maxHashSlotNum: 500,
  maxIndexNum: 2_000,
};
/** When its last slot had been delivered, ms since the epoch. */
const GOLDEN_READ = 1_795_248_209_000;
/** When its two messages that wait are due: a second after what Apache's TIMER_OUT_MS says, or less. */
const [IN_1_HOUR, IN_6_HOURS] = [1_795_251_662_000, 1_795_269_662_000];

async function bytesOf(fileSystem: FileSystem, path: string, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await (await fileSystem.open(path, 'read')).read(bytes, 0, length, 0);
  return bytes;
}

describe('a store that Apache’s broker has written', () => {
  it('T075: has what waits delivered once at its time, also what it has rolled, and nothing that was delivered', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'golden-timers-'));
    ENDS.push(() => rmSync(directory, { recursive: true }));
    execFileSync('tar', ['-xzf', join(FIXTURES, 'golden-clean.tar.gz'), '-C', directory]);
    const clock = new ManualClock(GOLDEN_READ);
    const store = join(directory, 'store-clean');
    const running = await startBroker({ ...GOLDEN, store, clock, logger: silentLogger });
    ENDS.push(() => running.stop());
    const end = async (): Promise<number> => {
      const address = running.brokerAddress;
      const options = { address, handlers: handlerTable(), clock, logger: silentLogger };
      const asking = new TestClient(new Connection(await running.dial(address), options), clock);
      return (await asking.pull('T_DELAY')).header.maxOffset ?? 0;
    };
    const before = await end();
    const delivered = async (): Promise<number> => (await end()) - before;
    await clock.advanceTo(IN_1_HOUR);
    // One waited under a delay level of 30 minutes, and time does not wait for what the disk has to read for it.
    while ((await delivered()) < 1) await clock.advance(0);
    expect(await delivered()).toBe(1);
    await clock.advance(SECOND);
    expect(await delivered()).toBe(2);
    await clock.advanceTo(IN_6_HOURS);
    expect(await delivered()).toBe(2);
    await clock.advance(SECOND);
    expect(await delivered()).toBe(3);
  });
});

describe('a store that Apache’s broker had last', () => {
  it('has what was overdue delivered once, whenever it is closed after that', async () => {
    const fileSystem = memoryFileSystem();
    const running = await TestBroker.start({ fileSystem, messageIndexEnable: false });
    const sender = await running.client();
    await sender.send('t', { properties: { TIMER_DELAY_MS: '5000' } });
    await running.stop();
    // As Apache's broker leaves it that has come to a later time, but not yet to this message.
    const file = fileSystem.openSync('/store/config/timercheck', 'write');
    const check = Buffer.alloc(56);
    check.writeBigInt64BE(BigInt(START + 20_000));
    file.writeSync(check, 0, 56, 0);
    const received = async (): Promise<number> => (await (await running.client()).messages('t')).length;
    await running.restart();
    expect(await received()).toBe(0);
    await running.clock.advance(5 * SECOND);
    expect(await received()).toBe(1);
    for (let stops = 0; stops < 2; stops++) {
      await running.restart();
      await running.clock.advance(30 * SECOND);
      expect(await received()).toBe(1);
    }
    await running.stop();
  });
});

describe('a store of ours that is closed', () => {
  it('lists what waits as Apache’s broker does, and last the last message of the timer topic', async () => {
    const fileSystem = memoryFileSystem();
    const running = await TestBroker.start({ fileSystem, mappedFileSizeTimerLog: 65_536 });
    const sender = await running.client();
    const send = async (ms: number): Promise<void> =>
      void (await sender.send('t', { properties: { TIMER_DELIVER_MS: String(START + ms) } }));
    await send(5_000);
    await send(5_900);
    await send(6_001);
    await send(1_000);
    await running.clock.advance(2_500);
    await running.stop();
    const check = await bytesOf(fileSystem, '/store/config/timercheck', 56);
    // Slots before the last whole second have been delivered; all four messages are in the list, or were delivered.
    expect([0, 1, 2, 3].map((index) => Number(check.readBigInt64BE(8 * index)))).toEqual([START + 2_000, 0, 4, 4]);
    expect(await fileSystem.stat('/store/timerwheel')).toBeUndefined();
    expect((await fileSystem.stat('/store/timerlog/00000000000000000000'))?.size).toBe(65_536);
    const log = await bytesOf(fileSystem, '/store/timerlog/00000000000000000000', 5 * 52);
    const units = [0, 1, 2, 3, 4].map((index) => {
      const at = 52 * index;
      const time = Number(log.readBigInt64BE(at + 16)) + log.readInt32BE(at + 24) - START;
      return [log.readInt32BE(at), Number(log.readBigInt64BE(at + 4)), log.readInt32BE(at + 12), time];
    });
    expect(units).toEqual([
      [52, -1, 1, 4_999],
      [52, -1, 1, 5_899],
      [52, -1, 1, 6_000],
      // It was delivered: its slot is one that is over.
      [52, -1, 1, 1_000],
      [0, 0, 0, -START],
    ]);
    await running.restart();
    await running.clock.advance(10 * SECOND);
    expect(await (await running.client()).messages('t')).toHaveLength(4);
    await running.stop();
  });

  it('chains what is due within the same second', async () => {
    const fileSystem = memoryFileSystem();
    const running = await TestBroker.start({ fileSystem });
    const sender = await running.client();
    for (const ms of [5_001, 5_500, 6_000]) await sender.send('t', { properties: { TIMER_DELAY_MS: String(ms) } });
    await running.stop();
    const log = await bytesOf(fileSystem, '/store/timerlog/00000000000000000000', 3 * 52);
    expect([0, 1, 2].map((index) => Number(log.readBigInt64BE(52 * index + 4)))).toEqual([-1, 0, 52]);
  });

  it('rolls to a second file of the list behind a blank', async () => {
    const fileSystem = memoryFileSystem();
    const running = await TestBroker.start({ fileSystem, mappedFileSizeTimerLog: 65_536 });
    const sender = await running.client();
    const send = () => sender.send('t', { properties: { TIMER_DELAY_SEC: '60' } });
    await Promise.all(Array.from({ length: 1_300 }, send));
    await running.stop();
    // 1,259 entries of 52 bytes leave 68: one more, and the blank.
    const first = await bytesOf(fileSystem, '/store/timerlog/00000000000000000000', 65_536);
    expect([first.readInt32BE(1_260 * 52), first.readUInt32BE(1_260 * 52 + 12)]).toEqual([16, 0xcbd43194]);
    const second = await bytesOf(fileSystem, '/store/timerlog/00000000000000065536', 52);
    expect(second.readInt32BE(0)).toBe(52);
  });

  it.each(['/store/config/delayOffset.json', '/store/config/timercheck'])(
    'delivers all once after a kill without %s',
    async (lost) => {
      const fileSystem = memoryFileSystem();
      const running = await TestBroker.start({ fileSystem, messageIndexEnable: false });
      const send = async (body: string): Promise<void> =>
        void (await (await running.client()).send('t', { body, properties: { TIMER_DELAY_SEC: body } }));
      for (const body of ['1', '2', '3']) await send(body);
      await running.clock.advance(1_500);
      await running.restart();
      await running.clock.advance(1_000);
      const files = killed(fileSystem);
      await files.remove(lost);
      await files.remove(`${lost}.bak`);
      await running.killAndRestart(files);
      await running.clock.advance(5 * SECOND);
      const bodies = (await (await running.client()).messages('t')).map(({ body }) => body.toString());
      expect(bodies).toEqual(['1', '2', '3']);
      await running.stop();
    },
  );

  it('delivers all once, wherever in its stop the broker is killed', async () => {
    const fileSystem = new KillPoints();
    const running = await TestBroker.start({ fileSystem, messageIndexEnable: false, mappedFileSizeTimerLog: 65_536 });
    const sender = await running.client();
    for (const body of ['1', '2', '3']) await sender.send('t', { body, properties: { TIMER_DELAY_SEC: body } });
    await running.clock.advance(1_500);
    fileSystem.recording = true;
    await running.stop();
    fileSystem.recording = false;
    expect(fileSystem.points.length).toBeGreaterThan(5);
    for (const [point, files] of fileSystem.points.entries()) {
      await running.killAndRestart(files);
      await running.clock.advance(5 * SECOND);
      const bodies = (await (await running.client()).messages('t')).map(({ body }) => body.toString());
      expect({ point, bodies }).toEqual({ point, bodies: ['1', '2', '3'] });
    }
    await running.stop();
  });
});
