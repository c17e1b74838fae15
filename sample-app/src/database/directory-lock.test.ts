// Tests that one process at a time uses a database directory.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockDirectory } from './directory-lock.js';

let parent: string;
let directory: string;

const locks = (): string[] => readdirSync(join(directory, 'lock.d'));

/** Does what a start of another process does before it looks for others. */
function leaveLockOf(pid: number): void {
  mkdirSync(join(directory, 'lock.d'), { recursive: true });
  writeFileSync(join(directory, 'lock.d', `${pid}-of-another-start`), '');
}

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
  expect(locks()).toEqual([]);
  lockDirectory(directory)();
});

test('a process that sees another one, even one that starts at the same time, leaves the directory to it', () => {
  leaveLockOf(process.ppid);
  expect(() => lockDirectory(directory)).toThrow(new RegExp(`in use by process ${process.ppid}\\.`));
  expect(locks()).toEqual([`${process.ppid}-of-another-start`]);
});

test.each([
  ['a process that has ended', () => spawnSync(process.execPath, ['--version']).pid],
  ['an earlier process of the same number, as in a container,', () => process.pid],
])('the lock of %s does not count', (_whose, pid) => {
  leaveLockOf(pid());
  const release = lockDirectory(directory);
  expect(locks()).toEqual([expect.stringMatching(`^${process.pid}-`)]);
  release();
});
