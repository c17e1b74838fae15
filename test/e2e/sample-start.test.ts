// Tests what keeps the sample app from starting: it prints one line that names the variable, and exits with 1. Needs the
// build.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { databaseDirectory } from '../../sample-app/test-kit/data-directory.js';

const MAIN = join(import.meta.dirname, '../../sample-app/dist/main.js');

let directory: string;
let server: Server | undefined;

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'sample-start-'))));

afterEach(() => {
  server?.close();
  rmSync(directory, { recursive: true });
});

async function failedStart(environment: Record<string, string>): Promise<{ code: number | null; lines: string[] }> {
  const { ROCKETMQ_NAME_SERVER: _cluster, DATABASE_URL: _server, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, [MAIN], {
    cwd: directory,
    env: { ...env, NO_COLOR: '1', PORT: '0', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [lines, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  return { code, lines: lines.trim().split('\n') };
}

test('a database that refuses the connection is one line', async () => {
  const { code, lines } = await failedStart({ DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/shop' });
  expect(lines).toEqual([
    expect.stringMatching(/ERROR \[Main\] DATABASE_URL: .*shop at 127\.0\.0\.1:1 .*ECONNREFUSED/),
  ]);
  expect(code).toBe(1);
});

test('a port in use is one line, and the app is closed before it ends', async () => {
  server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const DATABASE_DIR = await databaseDirectory(join(directory, 'database'));
  const { code, lines } = await failedStart({ DATABASE_DIR, PORT: String(port) });
  expect(lines).toEqual([expect.stringMatching(`ERROR \\[Main\\] PORT: ${port} is in use`)]);
  expect(code).toBe(1);
  expect(existsSync(join(directory, '.rocketmq/abort'))).toBe(false);
});
