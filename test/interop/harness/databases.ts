// Starts a PostgreSQL, MariaDB and Redis server on free ports. Where the machine has none, tests are skipped by name; with
// REQUIRE_POSTGRES=1, REQUIRE_MARIADB=1 or REQUIRE_REDIS=1 they fail.
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startChild } from './children.js';
import { freePort } from './ports.js';
import { temporaryFolder } from './temporary.js';

const START_MS = 90_000;
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

export interface Server {
  readonly port: number;
}

/** A server that this machine may have. */
export interface Available {
  /** Whether tests can run; `note` says in their name why not. */
  readonly is: boolean;
  readonly note: string;
}

function available(found: boolean, variable: string, without: string): Available {
  if (!found && process.env[variable] === '1') throw new Error(`${variable}=1, and ${without}`);
  return { is: found, note: found ? '' : ` (skipped: ${without})` };
}

export function redisAvailable(): Available {
  return available(onPath('redis-server') !== undefined, 'REQUIRE_REDIS', 'there is no redis-server on the PATH');
}

export function postgresAvailable(): Available {
  return available(
    postgresFolder() !== undefined,
    'REQUIRE_POSTGRES',
    'there is no PostgreSQL server: initdb, postgres',
  );
}

export function mariadbAvailable(): Available {
  const isThere = mariadbFolder('mariadbd') !== undefined && mariadbFolder('mariadb-install-db') !== undefined;
  return available(
    isThere && hasUser('mysql'),
    'REQUIRE_MARIADB',
    'there is no MariaDB server: apt-get install mariadb-server',
  );
}

export async function startRedis(): Promise<Server> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = startChild('redis-server', 'redis-server', args, { cwd: temporaryFolder('redis') });
  await child.line(/Ready to accept connections/, START_MS);
  return { port };
}

/** Its one user is `postgres`, without a password. */
export async function startPostgres(): Promise<Server> {
  const bin = postgresFolder()!;
  const folder = temporaryFolder('postgres');
  const run = commandsOf('postgres', folder);
  execFileSync(...run(join(bin, 'initdb'), '-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-N'), {
    stdio: 'pipe',
    cwd: folder,
  });
  const port = await freePort();
  const [postgres, args] = run(
    join(bin, 'postgres'),
    '-D',
    join(folder, 'data'),
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-k',
    folder,
    '-F',
  );
  const child = startChild('postgres', postgres, args, { cwd: folder });
  await child.line(/ready to accept connections/, START_MS);
  return { port };
}

/** Its one user is `root`, without a password; its one database is `test`. */
export async function startMariadb(): Promise<Server> {
  const folder = temporaryFolder('mariadb');
  const run = commandsOf('mysql', folder);
  const data = `--datadir=${join(folder, 'data')}`;
  const root = '--auth-root-authentication-method=normal';
  const install = join(mariadbFolder('mariadb-install-db')!, 'mariadb-install-db');
  execFileSync(...run(install, '--no-defaults', data, root, '--skip-test-db'), { stdio: 'pipe', cwd: folder });
  const port = await freePort();
  const options = [
    '--no-defaults',
    data,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    // Nothing here survives the server.
    '--innodb-flush-log-at-trx-commit=0',
  ];
  const child = startChild('mariadbd', ...run(join(mariadbFolder('mariadbd')!, 'mariadbd'), ...options), {
    cwd: folder,
  });
  await child.line(/ready for connections/, START_MS);
  execFileSync('mariadb', ['--no-defaults', '-h127.0.0.1', `-P${port}`, '-uroot', '-e', 'CREATE DATABASE test']);
  return { port };
}

/** How a command is started as the server's own user: the servers refuse to run as root. */
function commandsOf(user: string, folder: string): (...args: string[]) => [string, string[]] {
  const before = asServerUser(user, folder);
  return (...args) => {
    const [first, ...rest] = [...before, ...args];
    return [first!, rest];
  };
}

function asServerUser(user: string, folder: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const ids = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, user], { encoding: 'utf8' })));
  chownSync(folder, ids[0]!, ids[1]!);
  return ['setpriv', `--reuid=${ids[0]}`, `--regid=${ids[1]}`, '--clear-groups'];
}

function hasUser(user: string): boolean {
  return process.getuid?.() !== 0 || spawnSync('id', [user]).status === 0;
}

/** Debian has the server in a folder that users do not have on their PATH. */
function mariadbFolder(program: string): string | undefined {
  return ['/usr/sbin', '/usr/bin'].find((folder) => existsSync(join(folder, program))) ?? onPath(program);
}

function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).find((folder) => existsSync(join(folder, program)));
}

/** Debian keeps `initdb` out of the PATH. */
function postgresFolder(): string | undefined {
  if (!hasUser('postgres')) return undefined;
  const versions = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES) : [];
  const folders = versions.toSorted((a, b) => Number(b) - Number(a)).map((each) => join(DEBIAN_POSTGRES, each, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? onPath('initdb');
}
