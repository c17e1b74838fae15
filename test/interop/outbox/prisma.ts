// Installs Prisma in a folder of its own and generates a client there: it is too large for a development dependency.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { PrismaShape } from 'nest-rocketmq/outbox';
import type { Library } from '../../tables/outbox.js';
import { repositoryRoot } from '../harness/paths.js';

const PACKAGES = ['prisma@7.10.1', '@prisma/client@7.10.0', '@prisma/adapter-pg@7.10.0'];
const FOLDER = join(repositoryRoot, 'node_modules/.cache/prisma-7.10.1');
const CLIENT = join(FOLDER, 'generated/index.js');

const SCHEMA = `
generator client {
  provider = "prisma-client-js"
  output   = "../generated"
}
datasource db {
  provider = "postgresql"
}
model orders {
  id String @id
}
`;

/** What this test uses of the generated client and of the driver adapter. */
interface Client extends PrismaShape {
  $transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  $disconnect(): Promise<void>;
}

interface Transaction extends PrismaShape {
  readonly orders: { create(query: { data: { id: string } }): Promise<unknown> };
}

interface Modules {
  PrismaClient: new (options: { adapter: unknown }) => Client;
  PrismaPg: new (options: { connectionString: string; max: number }) => unknown;
}

/** Once for a clone: the folder is kept until the dependencies are installed anew. */
function install(): void {
  if (existsSync(CLIENT)) return;
  mkdirSync(join(FOLDER, 'prisma'), { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ name: 'prisma-client', private: true }));
  writeFileSync(join(FOLDER, 'prisma/schema.prisma'), SCHEMA);
  writeFileSync(join(FOLDER, 'prisma.config.mjs'), `export default { schema: 'prisma/schema.prisma' };\n`);
  // The engine that migrates is downloaded from a host of Prisma's; to generate a client, any file does in its place.
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  const run = (command: string, args: string[]): void =>
    void execFileSync(command, args, { cwd: FOLDER, env, stdio: ['ignore', 'ignore', 'inherit'] });
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...PACKAGES]);
  run(process.execPath, [
    join(FOLDER, 'node_modules/prisma/build/index.js'),
    'generate',
    '--config',
    'prisma.config.mjs',
  ]);
}

export const PRISMA: Library = {
  name: 'Prisma',
  tells: false,
  async open(url, connections) {
    install();
    const load = createRequire(join(FOLDER, 'package.json'));
    const { PrismaClient } = load(CLIENT) as Pick<Modules, 'PrismaClient'>;
    const { PrismaPg } = load('@prisma/adapter-pg') as Pick<Modules, 'PrismaPg'>;
    const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: connections }) });
    return {
      database: client,
      place: (id, work) =>
        client.$transaction(async (transaction) => {
          await transaction.orders.create({ data: { id } });
          await work(transaction);
        }),
      close: () => client.$disconnect(),
    };
  },
};
