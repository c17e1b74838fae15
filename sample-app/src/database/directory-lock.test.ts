// Tests that one process at a time uses a database directory.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockDirectory } from './directory-lock.js';

let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'lock-'));
  directory = join(parent, 'below', 'pgdata');
});

afterEach(() => rmSync(parent, { recursive: true }));

test('a directory that is in use is refused, with the process that has it and what to do', () => {
  const release = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(
    new RegExp(`^DATABASE_DIR: .*process ${process.pid}\\..*DATABASE_URL`),
  );
  release();
  expect(existsSync(join(directory, 'lock'))).toBe(false);
  lockDirectory(directory)();
});

test.each([
  ['a process that has ended', () => String(spawnSync(process.execPath, ['--version']).pid)],
  ['a process that was killed while it wrote its number', () => ''],
  // In a container each start has the same number.
  ['an earlier process of the same number that was killed', () => String(process.pid)],
])('the lock of %s does not count', (_whose, content) => {
  lockDirectory(directory)();
  writeFileSync(join(directory, 'lock'), content());
  lockDirectory(directory)();
});
