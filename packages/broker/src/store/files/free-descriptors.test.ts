import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { FileSystemWithFreeDescriptors, LONGEST_WAIT_FOR_DESCRIPTOR_MS } from './free-descriptors.js';
import type { FileSystem } from './file-system.js';
import { memoryFileSystem } from './memory-file-system.js';

/** What each call of the files underneath fails with. */
let code: string | undefined;
let calls: number;
let warnings: string[];
let clock: ManualClock;
let files: FileSystem;

beforeEach(async () => {
  [code, calls, warnings, clock] = [undefined, 0, [], new ManualClock()];
  const memory = memoryFileSystem();
  await memory.makeDirectory('/store');
  const underneath = new Proxy(memory, {
    get(target, name) {
      const member: unknown = target[name as keyof FileSystem];
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls++;
        if (code !== undefined) return Promise.reject(Object.assign(new Error(code), { code }));
        return (member as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  files = new FileSystemWithFreeDescriptors(underneath, { clock, logger });
});

const CALLS: [string, () => Promise<unknown>][] = [
  ['open', () => files.open('/store/file', 'create')],
  ['list', () => files.list('/store')],
  ['removeTree', () => files.removeTree('/store')],
  ['syncDirectory', () => files.syncDirectory('/')],
];

describe.each(CALLS)('%s, with no descriptor left', (_name, call) => {
  it.each(['EMFILE', 'ENFILE'])('%s, waits for a free one, and says so once', async (reason) => {
    code = reason;
    const both = Promise.all([call(), call()]);
    await clock.advance(10_000);
    expect(warnings).toEqual([expect.stringMatching(/no file can be opened.*ulimit -n/)]);
    code = undefined;
    await clock.advance(100);
    await expect(both).resolves.toHaveLength(2);
    code = reason;
    const again = call();
    await clock.advance(100);
    expect(warnings).toHaveLength(2);
    code = undefined;
    await clock.advance(100);
    await again;
  });

  it('fails as the system said when it has waited for long', async () => {
    code = 'EMFILE';
    const failed = expect(call()).rejects.toMatchObject({ code: 'EMFILE' });
    await clock.advance(LONGEST_WAIT_FOR_DESCRIPTOR_MS);
    await failed;
  });

  it('fails at once for any other reason, at first and while it waits', async () => {
    code = 'EIO';
    await expect(call()).rejects.toMatchObject({ code: 'EIO' });
    expect(calls).toBe(1);
    code = 'EMFILE';
    const failed = expect(call()).rejects.toMatchObject({ code: 'EIO' });
    await clock.advance(1_000);
    code = 'EIO';
    await clock.advance(100);
    await failed;
  });
});
