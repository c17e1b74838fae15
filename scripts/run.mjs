// Runs the commands of the workspace. Each first installs and builds what is missing or stale, so that a fresh clone needs
// nothing else.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isInstalled } from './installed.mjs';
import { restore } from './restore.mjs';
import { endLike, passSignalsTo } from './stop-child.mjs';
import { removeStaleOutput } from './stale-output.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LIBRARIES = ['remoting', 'client', 'broker', 'nest-rocketmq'];

/** @returns {Promise<void>} rejects with the exit code, or the signal, when it is not 0 */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    const stopWatching = passSignalsTo(child);
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => {
      const isStopped = stopWatching();
      if (exitCode === 0) return resolve();
      const message = isStopped ? '' : `${command} ${args.join(' ')} ended with ${signal ?? exitCode}`;
      reject(Object.assign(new Error(message), { exitCode, signal }));
    });
  });
}

const node = (args, env = {}) => run(process.execPath, args, { env: { ...process.env, ...env } });
const binary = (name) => join(root, 'node_modules', '.bin', name);

/** Installs by the lock file when what is installed is something else. */
async function install() {
  if (isInstalled(root)) return;
  console.log('Installing dependencies (only the first time) …');
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { shell: process.platform === 'win32' });
}

async function build() {
  await install();
  // Left by an `npm pack` that was killed: the compiler would take these files for its own, and up to date.
  for (const library of LIBRARIES) restore(join(root, 'packages', library));
  if (!existsSync(join(root, 'sample-app/dist'))) console.log('Building (only the first time) …');
  await node([join(root, 'node_modules/typescript/bin/tsc'), '-b']);
  for (const library of LIBRARIES) {
    const folder = join(root, 'packages', library, 'dist', 'cjs');
    mkdirSync(folder, { recursive: true });
    // The package says "module": without this, Node would read its CommonJS build as ES modules.
    writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}\n');
    removeStaleOutput(join(root, 'packages', library));
  }
  chmodSync(join(root, 'packages/broker/dist/esm/main.js'), 0o755);
}

/** Arguments that are neither flags nor a flag's value are parts of paths: jest would take them for names of projects. */
function onPaths(args) {
  const isPath = (arg, at) => !arg.startsWith('-') && args[at - 1] !== '-t';
  return args.flatMap((arg, at) => (isPath(arg, at) ? ['--testPathPatterns', arg] : [arg]));
}

function jest(args) {
  const options =
    `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim();
  // Loading the modules anew for each file makes much short-lived garbage: with 64 MB for it, less is copied.
  // Jest's workers get this flag too; the processes that tests start do not, as they would from NODE_OPTIONS.
  const flags = ['--max-semi-space-size=64'];
  return node([...flags, join(root, 'node_modules/jest/bin/jest.js'), ...args], { NODE_OPTIONS: options });
}

async function lint() {
  await build();
  await run(binary('oxfmt'), ['--check', 'packages', 'sample-app', 'test', 'bench', 'scripts']);
  await run(binary('oxlint'), [
    '--type-aware',
    '--tsconfig',
    'tsconfig.check.json',
    '--deny-warnings',
    'packages',
    'sample-app',
    'test',
    'bench',
    'scripts',
  ]);
  await node([join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.check.json']);
}

const commands = {
  build,
  lint,
  async start() {
    await build();
    await run(process.execPath, ['--enable-source-maps', join(root, 'sample-app/dist/main.js')]);
  },
  async broker(args) {
    await build();
    await node(['--enable-source-maps', join(root, 'packages/broker/dist/esm/main.js'), ...args]);
  },
  async test(args) {
    await build();
    await jest(['--selectProjects', 'unit', 'e2e', ...onPaths(args)]);
  },
  async 'test:interop'(args) {
    await build();
    await jest(['--selectProjects', 'interop', '--maxWorkers=2', ...onPaths(args)]);
  },
  async 'test:crash'(args) {
    await build();
    // Also those that take minutes, which `npm test` leaves out.
    process.env.CRASH_LONG ??= '1';
    await jest([
      '--selectProjects',
      'unit',
      'e2e',
      '--testPathPatterns',
      'test/crash/',
      '--testPathPatterns',
      '/(queue-damage|lost-log|lock-races|folder-lock)\\.test',
      '--testPathIgnorePatterns',
      'simulate',
      ...args,
    ]);
  },
  async 'test:simulate'(args) {
    await build();
    const { values } = parseArgs({ args, options: { seeds: { type: 'string' }, seed: { type: 'string' } } });
    if (values.seeds) process.env.SIMULATE_SEEDS = values.seeds;
    if (values.seed) process.env.SIMULATE_SEED = values.seed;
    await jest(['--selectProjects', 'e2e', '--testPathPatterns', 'crash/simulate']);
  },
  ...Object.fromEntries(
    ['send', 'raw', 'backlog', 'topics', 'nest', 'outbox'].map((name) => [
      `bench:${name}`,
      async (args) => {
        await build();
        await node([join(root, `bench/${name}/main.mjs`), ...args]);
      },
    ]),
  ),
};

const [name, ...args] = process.argv.slice(2);
const command = commands[name];
if (!command) {
  console.error(`Unknown command '${name}'. Commands: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
try {
  await command(args);
} catch (error) {
  if (error.message !== '') console.error(error.message);
  endLike(error);
}
