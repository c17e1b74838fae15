// Tests that nestjs-cls gives each message a context of its own, which lasts to what its listener logs. In a process of its
// own: nestjs-cls requires Nest, whose ES modules Jest does not let it require.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const PROGRAM = join(import.meta.dirname, 'cls-app.mjs');
const MESSAGES = 5;

test.each(['interceptor', 'guard'])(
  'the %s of nestjs-cls gives each message a context, which lasts through awaits to the log',
  async (kind) => {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, kind]);
    const lines = JSON.parse(stdout) as [string, unknown][];
    expect(lines).toHaveLength(2 * MESSAGES);
    for (const [msgId, seen] of lines) expect(seen).toBe(msgId);
    expect(new Set(lines.map(([msgId]) => msgId)).size).toBe(MESSAGES);
  },
);
