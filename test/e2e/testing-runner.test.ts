// Holds that a hundred tests with the testing kit take next to no time, end by themselves, and write nothing at all.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { leastTime } from './least-time.js';

const LIMIT_MS = 5_000;
const [MAJOR = 0] = process.versions.node.split('.').map(Number);
/** With it, a write outside of what is allowed throws. */
const PERMISSION = MAJOR >= 24 ? '--permission' : '--experimental-permission';

let home: string;

beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'home-'))));
afterEach(() => rmSync(home, { recursive: true }));

async function run(): Promise<{ took: number; code: number | null; output: string }> {
  const script = join(import.meta.dirname, 'hundred-tests.mjs');
  const args = [PERMISSION, '--allow-fs-read=*', '--no-warnings', '--test-reporter=tap', script];
  const child = spawn(process.execPath, args, { cwd: home, env: { HOME: home, PATH: process.env['PATH'] } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  // A handle that is left open would keep it from ending.
  const [code] = (await once(child, 'close')) as [number | null];
  const [, took] = /^took (\d+)$/m.exec(output) ?? [];
  return { took: Number(took), code, output };
}

test('a hundred tests take less than 5 s with the start of Node, end by themselves, and write nothing, not even in ~', async () => {
  const took = await leastTime(LIMIT_MS, async () => {
    const { code, output, took: time } = await run();
    expect(output).toMatch(/^# pass 100$/m);
    expect(output).not.toMatch(/ERR_ACCESS_DENIED|not ok/);
    expect(code).toBe(0);
    return time;
  });
  expect(took).toBeLessThan(LIMIT_MS);
  expect(readdirSync(home)).toEqual([]);
});
