import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { ConfigFile } from './config-file.js';
import { nodeFileSystem } from '../store/files/node-file-system.js';
import { memoryFileSystem } from '../store/files/memory-file-system.js';
import type { MemoryFileSystem } from '../store/files/memory-file-system.js';

const PATH = '/store/config/topics.json';
const NOTHING = { saved: undefined, source: 'nothing' };

function write(fileSystem: MemoryFileSystem, path: string, text: string): void {
  fileSystem.makeDirectorySync('/store/config');
  const file = fileSystem.openSync(path, 'create');
  file.truncateSync(0);
  file.writeSync(Buffer.from(text), 0, text.length, 0);
}

describe('a config file', () => {
  it('is undefined before anything was saved', async () => {
    expect(await new ConfigFile({ fileSystem: memoryFileSystem(), path: PATH }).load()).toEqual(NOTHING);
  });

  it('gives back what was saved last, and keeps the one before as the backup', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    await file.save({ version: 2 });
    expect(await file.load()).toEqual({ saved: { version: 2 }, source: 'file' });
    expect(await new ConfigFile({ fileSystem, path: `${PATH}.bak` }).load()).toMatchObject({ saved: { version: 1 } });
  });

  it('reads the unquoted integer keys that Apache writes', async () => {
    const fileSystem = memoryFileSystem();
    write(fileSystem, PATH, '{"offsetTable":{"T@G":{0:4,1:1}}}');
    expect(await new ConfigFile({ fileSystem, path: PATH }).load()).toMatchObject({
      saved: { offsetTable: { 'T@G': { 0: 4, 1: 1 } } },
    });
  });

  it.each(['', '{"torn":', '\0\0\0\0', '[]', 'null', '"x"', '7', 'true', '{{"a":1}:2}'])(
    'falls back to the backup when it holds %j',
    async (text) => {
      const fileSystem = memoryFileSystem();
      const file = new ConfigFile({ fileSystem, path: PATH });
      await file.save({ version: 1 });
      await file.save({ version: 2 });
      write(fileSystem, PATH, text);
      expect(await file.load()).toMatchObject({ saved: { version: 1 } });
    },
  );

  it('does not let a damaged file take the place of a good backup', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    await file.save({ version: 2 });
    write(fileSystem, PATH, '{"torn":');
    const restarted = new ConfigFile({ fileSystem, path: PATH });
    await restarted.save({ version: 3 });
    write(fileSystem, PATH, '{"torn":');
    expect(await restarted.load()).toMatchObject({ saved: { version: 1 } });
  });

  it('is read from the backup when a crash came between renaming and writing', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    fileSystem.renameSync(PATH, `${PATH}.bak`);
    expect(await file.load()).toMatchObject({ saved: { version: 1 } });
  });

  it('is as it was, the first time not there, when a crash or a full disk came while it was written', async () => {
    const fileSystem = memoryFileSystem();
    fileSystem.makeDirectorySync('/store/config');
    write(fileSystem, `${PATH}.tmp`, '{"hal');
    const file = new ConfigFile({ fileSystem, path: PATH });
    expect(await file.load()).toEqual(NOTHING);
    await file.save({ version: 1 });
    write(fileSystem, `${PATH}.tmp`, '');
    expect(await file.load()).toMatchObject({ saved: { version: 1 } });
    await file.save({ version: 2 });
    expect(fileSystem.statSync(`${PATH}.tmp`)).toBeUndefined();
  });

  it.each(['{}', '{"table":[]}', '{"table":null}', '{"table":"x"}', '{"table":7}', '[{"table":{}}]'])(
    'falls back to the backup when it holds %s, which has not its table',
    async (text) => {
      const fileSystem = memoryFileSystem();
      const file = new ConfigFile({ fileSystem, path: PATH, table: 'table' });
      await file.save({ table: { version: 1 } });
      await file.save({ table: { version: 2 } });
      write(fileSystem, PATH, text);
      expect(await file.load()).toEqual({ saved: { table: { version: 1 } }, source: 'backup' });
    },
  );

  it('has a backup from its first save on', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    write(fileSystem, PATH, '{"versi');
    expect(await file.load()).toEqual({ saved: { version: 1 }, source: 'backup' });
  });

  it.each([
    ['is damaged', '{', undefined],
    ['and its backup are damaged', '{', 'null'],
    ['is missing and its backup is damaged', undefined, ''],
  ])('%s: it is named, kept under another name, and begun anew', async (_what, text, backup) => {
    const fileSystem = memoryFileSystem();
    if (text !== undefined) write(fileSystem, PATH, text);
    if (backup !== undefined) write(fileSystem, `${PATH}.bak`, backup);
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (line: string) => void errors.push(line) };
    const file = new ConfigFile({ fileSystem, path: PATH, logger, now: () => Date.UTC(2026, 10, 25, 3, 4, 5) });
    expect(await file.load()).toEqual({ saved: undefined, source: 'damaged' });
    expect(errors).toEqual([expect.stringContaining(PATH)]);
    if (text !== undefined) expect(errors[0]).toContain(`${PATH}.damaged-20261125030405`);
    const kept = fileSystem.listSync('/store/config').map(({ name }) => name);
    expect(kept).toEqual([
      ...(backup === undefined ? [] : ['topics.json.bak.damaged-20261125030405']),
      ...(text === undefined ? [] : ['topics.json.damaged-20261125030405']),
    ]);
    await file.save({ version: 1 });
    expect(await file.load()).toMatchObject({ saved: { version: 1 }, source: 'file' });
  });

  it('that the system cannot read now is not taken for damaged', async () => {
    const fileSystem = memoryFileSystem();
    write(fileSystem, PATH, '{"version":1}');
    const open = fileSystem.open.bind(fileSystem);
    fileSystem.open = () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
    const file = new ConfigFile({ fileSystem, path: PATH });
    await expect(file.load()).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' });
    fileSystem.open = open;
    expect(await file.load()).toMatchObject({ saved: { version: 1 } });
  });

  it.each(['', '.bak', '.tmp'])('is saved and read though there is a folder named topics.json%s', async (end) => {
    const root = mkdtempSync(join(tmpdir(), 'config-file-'));
    try {
      const path = join(root, 'topics.json');
      const before = new ConfigFile({ fileSystem: nodeFileSystem(), path });
      await before.save({ version: 1 });
      rmSync(path + end, { force: true });
      mkdirSync(join(path + end, 'within'), { recursive: true });
      const file = new ConfigFile({ fileSystem: nodeFileSystem(), path });
      expect((await file.load()).saved).toEqual({ version: 1 });
      await file.save({ version: 2 });
      await file.save({ version: 3 });
      expect((await new ConfigFile({ fileSystem: nodeFileSystem(), path }).load()).saved).toEqual({ version: 3 });
      expect((await new ConfigFile({ fileSystem: nodeFileSystem(), path: `${path}.bak` }).load()).saved).toEqual({
        version: 2,
      });
      expect(readdirSync(root)).toEqual(expect.arrayContaining([expect.stringMatching(/damaged-\d{14}$/)]));
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
