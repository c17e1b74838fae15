// Starts a real PostgreSQL on 127.0.0.1, where one is installed.
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './children.js';
import type { Child } from './children.js';
import { freePort } from './ports.js';
import { temporaryFolder } from './temporary.js';

const BOOT_TIMEOUT_MS = 60_000;
/** The account that PostgreSQL's packages create: the server refuses to run as root. */
const ACCOUNT = 'postgres';
/** Nothing here survives the test: what makes a commit durable only costs time. */
const SETTINGS = ['fsync=off', 'shared_buffers=16MB', 'max_connections=50', 'listen_addresses=127.0.0.1'];

export interface Postgres {
  readonly url: string;
  readonly child: Child;
}

/** The folder of the newest `initdb` and `postgres`; undefined if there is none. */
export function postgresFolder(): string | undefined {
  const packages = '/usr/lib/postgresql';
  const versions = existsSync(packages) ? readdirSync(packages).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(packages, version, 'bin')), '/usr/local/bin', '/usr/bin'];
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))));
}

/**
 * Whether the tests on a real PostgreSQL run. Without one they are skipped, and say so.
 * @throws with REQUIRE_POSTGRES=1
 */
export function hasPostgres(): boolean {
  if (postgresFolder() !== undefined) return true;
  const problem =
    'no PostgreSQL is installed (initdb and postgres in /usr/lib/postgresql/*/bin, /usr/local/bin or /usr/bin)';
  if (process.env.REQUIRE_POSTGRES === '1') throw new Error(`${problem}, and REQUIRE_POSTGRES=1`);
  process.stderr.write(`Skipped: ${problem}. REQUIRE_POSTGRES=1 makes this an error.\n`);
  return false;
}

export async function startPostgres(): Promise<Postgres> {
  const folder = postgresFolder()!;
  const data = temporaryFolder('postgres');
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(data, numberOf('-u'), numberOf('-g'));
  const command = (name: string, args: string[]): [string, string[]] => {
    const file = join(folder, name);
    return isRoot
      ? ['setpriv', [`--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, '--clear-groups', file, ...args]]
      : [file, args];
  };
  const [initdb, initdbArgs] = command('initdb', ['-D', data, '-U', ACCOUNT, '-A', 'trust', '-E', 'UTF8', '--no-sync']);
  execFileSync(initdb, initdbArgs, { cwd: data, stdio: 'ignore' });
  const settings = [...SETTINGS, `unix_socket_directories=${data}`, `port=${port}`].flatMap((each) => ['-c', each]);
  const child = startChild('postgres', ...command('postgres', ['-D', data, ...settings]), { cwd: data });
  await child.line(/ready to accept connections/, BOOT_TIMEOUT_MS);
  return { url: `postgres://${ACCOUNT}@127.0.0.1:${port}/postgres`, child };
}

function numberOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, ACCOUNT], { encoding: 'utf8' }));
}
