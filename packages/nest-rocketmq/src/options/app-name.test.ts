import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { appName } from './app-name.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'app-name-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function packageJson(content: string): void {
  writeFileSync(join(directory, 'package.json'), content);
}

test.each([
  ['orders', 'orders'],
  ['@shop/orders', 'shop-orders'],
  ['my.app', 'my-app'],
  ['x'.repeat(200), 'x'.repeat(120)],
])('package %s gives the group %s', (name, group) => {
  packageJson(JSON.stringify({ name }));
  expect(appName(directory)).toBe(group);
});

test('a package.json above counts', () => {
  packageJson('{"name":"above"}');
  const below = join(directory, 'dist', 'bin');
  mkdirSync(below, { recursive: true });
  expect(appName(below)).toBe('above');
});

test('without a readable name the directory gives it', () => {
  packageJson('{ broken');
  writeFileSync(join(directory, 'other'), '');
  expect(appName(directory)).toBe(basename(directory));
});
