// Tests a disk of a few MiB that fills up under load and is freed again, and one that cannot be written at all. Needs the
// build, and root for the mounts.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { startBroker } from '@nest-rocketmq/broker/internal';
import type { Broker } from '@nest-rocketmq/broker/internal';
import { endAllChildren } from '../interop/harness/children.js';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess, startCommand } from './broker-process.js';
import { connectTo } from './in-process.js';
import { Load, NONE, readBack } from './load.js';
import { withMounts } from './tools.js';

const REFUSALS = [ResponseCode.SERVICE_NOT_AVAILABLE, ResponseCode.SYSTEM_ERROR];
const DEPTH = 32;
const SIZES: [number, number] = [2_000, 60_000];
const AFTERWARDS = 100;

const mounted: string[] = [];
const mounts = withMounts();

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${String(stderr)}`);
}

function smallDisk(megabytes: number): string {
  const folder = join(temporaryFolder('disk'), 'mounted');
  mkdirSync(folder);
  run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder);
  mounted.push(folder);
  return folder;
}

const remount = (folder: string, options: string): void => run('mount', '-o', `remount,${options}`, folder);

let broker: Broker | undefined;
afterEach(async () => {
  const running = broker;
  broker = undefined;
  // Whatever becomes of its end, the disk goes.
  await running?.stop().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  await endAllChildren();
  for (const folder of mounted.splice(0)) run('umount', '-l', folder);
  await cleanUp();
});

describe(`a disk that is full${mounts.note}`, () => {
  mounts.it.each(['async', 'sync'] as const)(
    'costs nothing that was acknowledged, and is used again when it has room (%s)',
    async (flush) => {
      const disk = smallDisk(6);
      // Time stands still: no file is old enough to be removed, whatever the disk has.
      const options = {
        store: join(disk, 'store'),
        flush,
        clock: new ManualClock(),
        mappedFileSizeCommitLog: 1_048_576,
      };
      broker = await startBroker(options);
      const load = new Load();
      const connection = await connectTo(broker);
      // Those that are refused stop: there is no room for more.
      const filling = load.send({ connection, depth: DEPTH, sizes: SIZES });
      await load.untilRefused(DEPTH);
      load.stop();
      await filling;
      expect(load.acknowledged.size).toBeGreaterThan(20);
      expect([...load.refused.values()].filter((code) => !REFUSALS.includes(code as never))).toEqual([]);
      expect(load.compare(await readBack(connection))).toEqual(NONE);
      remount(disk, 'size=32m');
      const going = load.send({ connection, depth: DEPTH, sizes: SIZES });
      await load.untilAcknowledged(load.acknowledged.size + AFTERWARDS);
      load.stop();
      await going;
      expect(load.compare(await readBack(connection))).toEqual(NONE);
      await broker.stop();
      broker = await startBroker(options);
      expect(load.compare(await readBack(await connectTo(broker)))).toEqual(NONE);
    },
  );

  mounts.it('and a kill -9 cost nothing together', async () => {
    const disk = smallDisk(6);
    const store = join(disk, 'store');
    const doomed = await BrokerProcess.start({ store });
    const load = new Load();
    const sending = load.send({ connection: await doomed.connect(), depth: DEPTH, sizes: SIZES });
    await load.untilRefused(1);
    await doomed.kill();
    await sending;
    remount(disk, 'size=32m');
    const again = await BrokerProcess.start({ store });
    expect(load.compare(await readBack(await again.connect()))).toEqual(NONE);
    await again.stop();
  });
});

describe(`a store that cannot be written${mounts.note}`, () => {
  mounts.it('is refused with an error, and stays unchanged', async () => {
    const disk = smallDisk(6);
    const store = join(disk, 'store');
    await (await BrokerProcess.start({ store })).stop();
    const before = readdirSync(store);
    remount(disk, 'ro');
    const refused = startCommand({ store });
    const said = await refused.line(/nest-rocketmq-broker: /, 30_000);
    expect(said).toMatch(/cannot be written: .*EROFS/);
    expect(said).toContain(store);
    expect(await refused.exited).toEqual({ code: 1, signal: null });
    expect(readdirSync(store)).toEqual(before);
  });
});

describe('a file where the folder of the store should be', () => {
  it('is refused with an error, and stays unchanged', async () => {
    const store = join(temporaryFolder('file'), 'store');
    writeFileSync(store, 'mine');
    const refused = startCommand({ store });
    expect(await refused.line(/nest-rocketmq-broker: /, 30_000)).toMatch(/cannot be written: .*EEXIST/);
    expect(await refused.exited).toEqual({ code: 1, signal: null });
  });
});
