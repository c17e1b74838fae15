// Starts a PostgreSQL and a Redis server on free ports. Where the machine has none, tests are skipped by name; with
// REQUIRE_POSTGRES=1 or REQUIRE_REDIS=1 they fail.
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startChild } from './children.js';
import { freePort } from './ports.js';
import { temporaryFolder } from './temporary.js';

const START_MS = 30_000;
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
  const [command, ...before] = asServerUser(folder);
  const run = (...args: string[]): [string, string[]] => {
    const [first, ...rest] = [...(command === undefined ? [] : [command]), ...before, ...args];
    return [first!, rest];
  };
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

/** PostgreSQL refuses to run as root. */
function asServerUser(folder: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const ids = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' })));
  chownSync(folder, ids[0]!, ids[1]!);
  return ['setpriv', `--reuid=${ids[0]}`, `--regid=${ids[1]}`, '--clear-groups'];
}

function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).find((folder) => existsSync(join(folder, program)));
}

/** Debian keeps `initdb` out of the PATH. */
function postgresFolder(): string | undefined {
  if (process.getuid?.() === 0 && spawnSync('id', ['postgres']).status !== 0) return undefined;
  const versions = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES) : [];
  const folders = versions.toSorted((a, b) => Number(b) - Number(a)).map((each) => join(DEBIAN_POSTGRES, each, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? onPath('initdb');
}
