import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isLong } from '../test-kit/breadth.js';
import { interleave, randomFrom } from '../test-kit/interleave.js';
import { lockFolder, nodeLockFiles } from './folder-lock.js';
import type { LockFiles } from './folder-lock.js';

const RUNS = isLong ? 200 : 50;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const lockNames = (home: string): Promise<string[]> => readdir(join(home, 'lock.d'));

async function leaveLock(home: string, name: string): Promise<void> {
  await mkdir(join(home, 'lock.d'), { recursive: true });
  await writeFile(join(home, 'lock.d', name), '');
}

/** Runs all of them with one file call at a time, in an order that `random` chooses. */
async function interleaved<T>(random: () => number, tasks: ((files: LockFiles) => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  const runs = tasks.map((task, index) => async (turn: () => Promise<void>) => {
    results[index] = await task({
      mkdir: (path) => turn().then(() => nodeLockFiles.mkdir(path)),
      readdir: (path) => turn().then(() => nodeLockFiles.readdir(path)),
      rename: (from, to) => turn().then(() => nodeLockFiles.rename(from, to)),
      create: (path) => turn().then(() => nodeLockFiles.create(path)),
      rm: (path) => turn().then(() => nodeLockFiles.rm(path)),
    });
  });
  await interleave(random, runs);
  return results;
}

describe('the lock of a folder', () => {
  it('is had by one, and free again when that one unlocks it', async () => {
    const unlock = await lockFolder(folder);
    expect(unlock).toBeDefined();
    expect(await lockFolder(folder)).toBeUndefined();
    await unlock!();
    expect(await lockFolder(folder)).toBeDefined();
    expect(await lockNames(folder)).toHaveLength(1);
  });

  it('names its holder, so that another process sees whether that one lives', async () => {
    await lockFolder(folder);
    expect((await lockNames(folder))[0]).toMatch(new RegExp(`^${process.pid}\\+`));
  });

  it.each([
    ['no process has the id', '999999999+1+boot%2Fcontainer+f'],
    ['another process has the id', `${process.pid}+0+boot%2Fcontainer+f`],
    ['the name means nothing', 'nonsense'],
  ])('is taken over when %s', async (_case, name) => {
    await leaveLock(folder, name);
    expect(await lockFolder(folder)).toBeDefined();
    expect(await lockNames(folder)).not.toContain(name);
  });

  it('is taken over when its holder has ended and the parent has not noticed yet', async () => {
    // The child ends when its parent has become `sleep`, which asks for no children.
    const child = `sh -c 'until grep -q sleep /proc/$PPID/comm; do :; done'`;
    const parent = spawn('sh', ['-c', `${child} & echo $!; exec sleep 60`], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      while (!/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'latin1')))
        await new Promise((resolve) => setImmediate(resolve));
      await leaveLock(folder, `${pid}`);
      expect(await lockFolder(folder)).toBeDefined();
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('is an error where the folder cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(lockFolder(join(folder, 'file'))).rejects.toThrow(/ENOTDIR|EEXIST/);
  });

  it.each([
    ['has died', async (home: string) => leaveLock(home, '999999999+1+boot%2Fcontainer+f')],
    ['has unlocked it', async (home: string) => (await lockFolder(home))?.()],
    ['never was', async () => undefined],
  ])(
    'is had by one of many in whatever order their file calls come, when the holder before %s',
    async (_case, prepare) => {
      const seed = Date.now() % 1_000_000;
      for (let run = 0; run < RUNS; run++) {
        const home = join(folder, String(run));
        await prepare(home);
        const lock = (files: LockFiles): ReturnType<typeof lockFolder> => lockFolder(home, { files });
        // One locks and unlocks, so that there are holders one after the other too.
        const lockAndUnlock = async (files: LockFiles): Promise<undefined> =>
          (await lock(files))?.().then(() => undefined);
        const unlocks = await interleaved(randomFrom(seed + run), [lock, lock, lock, lockAndUnlock]);
        const holders = unlocks.filter(Boolean).length;
        expect({ seed: seed + run, holders, tooMany: holders > 1 }).toEqual({
          seed: seed + run,
          holders,
          tooMany: false,
        });
        expect(await lockNames(home)).toHaveLength(1);
        expect(holders === 1 || (await lockNames(home))[0] === 'free').toBe(true);
      }
    },
  );
});
