// Tests that `npm run build` after `npm ci` does not install again: the lock file that npm leaves decides, not who ran it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
// @ts-expect-error: a script without types
import { isInstalled } from '../../scripts/installed.mjs';

const installed = isInstalled as (root: string) => boolean;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'installed-'));
  mkdirSync(join(root, 'node_modules'));
});

afterEach(() => rmSync(root, { recursive: true }));

const lock = (file: string, packages: object): void => writeFileSync(join(root, file), JSON.stringify({ packages }));

const WANTED = {
  '': { name: 'workspace' },
  'packages/client': { version: '0.1.0' },
  'node_modules/client': { link: true, resolved: 'packages/client' },
  'node_modules/rxjs': { version: '7.8.2', integrity: 'sha512-a' },
  'node_modules/builds-for-another-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
};
const { 'node_modules/builds-for-another-platform': _other, ...HERE } = WANTED;

test.each<[string, object | undefined, boolean]>([
  ['nothing', undefined, false],
  ['all that this platform needs', HERE, true],
  ['another version', { ...HERE, 'node_modules/rxjs': { version: '7.8.1', integrity: 'sha512-a' } }, false],
  ['another content', { ...HERE, 'node_modules/rxjs': { version: '7.8.2', integrity: 'sha512-c' } }, false],
  ['a package in place of the workspace', { ...HERE, 'node_modules/client': { version: '0.1.0' } }, false],
  ['one package less', { 'node_modules/client': WANTED['node_modules/client'] }, false],
])('with %s installed', (_what, found, expected) => {
  lock('package-lock.json', WANTED);
  if (found) lock('node_modules/.package-lock.json', found);
  expect(installed(root)).toBe(expected);
});
