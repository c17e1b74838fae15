// Tests that `npm start` ends with its app: signals reach the app, and npm's shell may be killed.
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';

const STOP_CHILD = pathToFileURL(join(import.meta.dirname, '../../scripts/stop-child.mjs')).href;
/** Says that it runs, and which signal it gets; ends with 7 at SIGTERM, and by the signal itself at SIGINT. */
const APP = `process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(7); });
setInterval(() => {}, 1000); console.log('runs ' + process.pid);`;
/** As scripts/run.mjs does. */
const RUNNER = `import { spawn } from 'node:child_process';
import { endLike, passSignalsTo } from '${STOP_CHILD}';
const child = spawn(process.execPath, ['-e', ${JSON.stringify(APP)}], { stdio: 'inherit' });
const stopWatching = passSignalsTo(child);
child.once('exit', (exitCode, signal) => { stopWatching(); endLike({ exitCode, signal }); });`;

type Started = ChildProcessByStdio<null, Readable, null>;

const open: Started[] = [];
let app: number | undefined;

afterEach(() => {
  for (const child of open.splice(0)) child.kill('SIGKILL');
  try {
    if (app !== undefined) process.kill(app, 'SIGKILL');
  } catch {
    // It has ended, as it should.
  }
  app = undefined;
});

async function started(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const { npm_lifecycle_event: _npm, ...own } = process.env;
  const child = spawn(command, args, { env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  open.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  app = Number(/runs (\d+)/.exec(line.toString())?.[1]);
  return child;
}

test.each([
  ['SIGTERM', [7, null]],
  ['SIGINT', [null, 'SIGINT']],
] as const)('%s reaches the app, and its status is the command’s', async (signal, status) => {
  const runner = await started(process.execPath, ['--input-type=module', '-e', RUNNER]);
  runner.kill(signal);
  expect(await once(runner, 'exit')).toEqual(status);
});

(process.platform === 'win32' ? test.skip : test)("the app ends when npm's shell is killed", async () => {
  // A command behind it keeps the shell from becoming the command itself.
  const command = `"${process.execPath}" --input-type=module -e "$RUNNER"; true`;
  const shell = await started('sh', ['-c', command], { RUNNER, npm_lifecycle_event: 'start' });
  const rest = text(shell.stdout);
  shell.kill('SIGKILL');
  // The pipe ends when the last process that has it has ended.
  expect(await rest).toBe('got SIGTERM\n');
});
