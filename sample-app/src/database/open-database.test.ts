// Tests what a user reads when a database cannot be opened.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { AppConfig } from '../config.js';
import { openDatabase } from './open-database.js';

let server: Server | undefined;

afterEach(() => void server?.close());

/** Expects one line that begins with the variable and contains no password. */
async function expectRefusal(environment: Record<string, string>, line: RegExp): Promise<void> {
  const opening = openDatabase(AppConfig.fromEnvironment(environment));
  await expect(opening).rejects.toThrow(line);
  await expect(opening).rejects.not.toThrow(/secret|\n/);
}

test.each<[string, string, RegExp]>([
  ['refuses', '127.0.0.1:1', /^DATABASE_URL: .*shop at 127\.0\.0\.1:1 .*ECONNREFUSED/],
  ['has several addresses, which all refuse,', 'localhost:1', /^DATABASE_URL: .*shop at localhost:1 .*ECONNREFUSED/],
  ['is not there', 'nowhere.invalid', /^DATABASE_URL: .*nowhere\.invalid/],
])('a server that %s is named by its variable', (_what, host, line) =>
  expectRefusal({ DATABASE_URL: `postgres://user:secret@${host}/shop` }, line),
);

test('a server that is no database is named by its variable', async () => {
  server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expectRefusal({ DATABASE_URL: `postgres://user:secret@127.0.0.1:${port}/shop` }, /^DATABASE_URL: .*: \S/);
});

test('a directory that cannot be is named by its variable', () =>
  expectRefusal({ DATABASE_DIR: '/dev/null/data' }, /^DATABASE_DIR: .*\/dev\/null\/data/));
