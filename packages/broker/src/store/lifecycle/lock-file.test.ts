import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { nodeFileSystem } from '../files/node-file-system.js';
import { LockFile } from './lock-file.js';
import { StoreLockedError } from '../store.js';
import { openStore } from '../../../test-kit/store.js';

const fileSystem = nodeFileSystem();

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(root, { recursive: true }));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const abort = (): string => readFileSync(join(root, 'abort'), 'latin1');

describe('the lock of a store', () => {
  it('is the file `lock` and the process id in `abort`, as Apache has them', async () => {
    const lock = await LockFile.take({ fileSystem, root });
    expect(readFileSync(join(root, 'lock'), 'latin1')).toMatch(/^lock(\n|$)/);
    expect(abort()).toBe(String(process.pid));
    expect(lock.wasAborted).toBe(false);
    await lock.release(true);
    expect(await fileSystem.list(root)).toEqual([{ name: 'lock', directory: false }]);
  });

  it('refuses a second store on the same folder, in this process and naming it', async () => {
    const store = await openStore({ fileSystem, root });
    const refused = await openStore({ fileSystem, root }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreLockedError);
    expect(refused).toMatchObject({ code: 'STORE_LOCKED', pid: process.pid, path: root });
    await store.close();
    await (await openStore({ fileSystem, root })).close();
  });

  it('refuses a folder that another living process has, and takes it over when that is dead', async () => {
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    writeFileSync(join(root, 'abort'), String(other.pid));
    await expect(LockFile.take({ fileSystem, root })).rejects.toThrow(new StoreLockedError(other.pid!, root));
    other.stdin.end();
    await once(other, 'exit');
    const lock = await LockFile.take({ fileSystem, root });
    expect([lock.wasAborted, abort()]).toEqual([true, String(process.pid)]);
    await lock.release(true);
  });

  it('takes over a lock that is older than the process which has its id now', async () => {
    writeFileSync(join(root, 'abort'), String(process.ppid));
    utimesSync(join(root, 'abort'), 1, 1);
    const lock = await LockFile.take({ fileSystem, root, pid: 4_194_304 });
    expect(lock.wasAborted).toBe(true);
    await lock.release(true);
  });

  it('says so when it takes over what was left open on another host or in another container', async () => {
    const start = async (): Promise<string[]> => {
      const warnings: string[] = [];
      const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
      await (await openStore({ fileSystem, root, logger })).close();
      return warnings;
    };
    writeFileSync(join(root, 'abort'), String(process.pid));
    writeFileSync(join(root, 'lock'), `lock\n${process.pid} 77 another-boot/pid:[1]\n`);
    expect(await start()).toEqual([expect.stringContaining('another host or in another container')]);
    writeFileSync(join(root, 'abort'), String(process.pid));
    expect(await start()).toEqual([]);
  });

  it('takes over the lock of a process that has ended and that its parent has not noticed yet', async () => {
    // The child ends when its parent has become `sleep`, which asks for no children.
    const child = `sh -c 'until grep -q sleep /proc/$PPID/comm; do :; done'`;
    const parent = spawn('sh', ['-c', `${child} & echo $!; exec sleep 60`], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      await until(() => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')));
      writeFileSync(join(root, 'abort'), String(pid));
      const lock = await LockFile.take({ fileSystem, root });
      expect(lock.wasAborted).toBe(true);
      await lock.release(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('takes over the lock of a dead process that had the id which this one has now', async () => {
    writeFileSync(join(root, 'abort'), String(process.pid));
    const lock = await LockFile.take({ fileSystem, root });
    expect(lock.wasAborted).toBe(true);
    await lock.release(true);
  });

  it('counts a store as not closed cleanly when a crash came while its lock was taken over', async () => {
    writeFileSync(join(root, 'abort.4194303'), '4194302');
    const lock = await LockFile.take({ fileSystem, root });
    expect(lock.wasAborted).toBe(true);
    await lock.release(true);
    expect(await fileSystem.list(root)).toEqual([{ name: 'lock', directory: false }]);
  });
});
