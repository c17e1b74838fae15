import { describe, expect, it } from '@jest/globals';
import { ConfigFile } from './config-file.js';
import { memoryFileSystem } from './store/memory-file-system.js';
import type { MemoryFileSystem } from './store/memory-file-system.js';

const PATH = '/store/config/topics.json';

function write(fileSystem: MemoryFileSystem, path: string, text: string): void {
  fileSystem.makeDirectory('/store/config');
  const file = fileSystem.open(path, 'create');
  file.truncate(0);
  file.write(Buffer.from(text), 0, text.length, 0);
}

describe('a config file', () => {
  it('is undefined before anything was saved', async () => {
    expect(await new ConfigFile({ fileSystem: memoryFileSystem(), path: PATH }).load()).toBeUndefined();
  });

  it('gives back what was saved last, and keeps the one before as the backup', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    await file.save({ version: 2 });
    expect(await file.load()).toEqual({ version: 2 });
    expect(await new ConfigFile({ fileSystem, path: `${PATH}.bak` }).load()).toEqual({ version: 1 });
  });

  it('reads the unquoted integer keys that Apache writes', async () => {
    const fileSystem = memoryFileSystem();
    write(fileSystem, PATH, '{"offsetTable":{"T@G":{0:4,1:1}}}');
    expect(await new ConfigFile({ fileSystem, path: PATH }).load()).toEqual({ offsetTable: { 'T@G': { 0: 4, 1: 1 } } });
  });

  it.each(['', '{"torn":', '\0\0\0\0'])('falls back to the backup when it holds %j', async (text) => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    await file.save({ version: 2 });
    write(fileSystem, PATH, text);
    expect(await file.load()).toEqual({ version: 1 });
  });

  it('does not let a damaged file take the place of a good backup', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    await file.save({ version: 2 });
    write(fileSystem, PATH, '{"torn":');
    const restarted = new ConfigFile({ fileSystem, path: PATH });
    await restarted.save({ version: 3 });
    write(fileSystem, PATH, '{"torn":');
    expect(await restarted.load()).toEqual({ version: 1 });
  });

  it('is read from the backup when a crash came between renaming and writing', async () => {
    const fileSystem = memoryFileSystem();
    const file = new ConfigFile({ fileSystem, path: PATH });
    await file.save({ version: 1 });
    fileSystem.rename(PATH, `${PATH}.bak`);
    expect(await file.load()).toEqual({ version: 1 });
  });

  it('is as it was, the first time not there, when a crash or a full disk came while it was written', async () => {
    const fileSystem = memoryFileSystem();
    fileSystem.makeDirectory('/store/config');
    write(fileSystem, `${PATH}.tmp`, '{"hal');
    const file = new ConfigFile({ fileSystem, path: PATH });
    expect(await file.load()).toBeUndefined();
    await file.save({ version: 1 });
    write(fileSystem, `${PATH}.tmp`, '');
    expect(await file.load()).toEqual({ version: 1 });
    await file.save({ version: 2 });
    expect(fileSystem.stat(`${PATH}.tmp`)).toBeUndefined();
  });

  it('says which file is damaged when the backup is too', async () => {
    const fileSystem = memoryFileSystem();
    write(fileSystem, PATH, '{');
    write(fileSystem, `${PATH}.bak`, '');
    await expect(new ConfigFile({ fileSystem, path: PATH }).load()).rejects.toThrow(
      /topics\.json cannot be read .* backup is empty/,
    );
  });
});
