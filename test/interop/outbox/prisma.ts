// Installs Prisma in a folder of its own and generates a client there: it is too large for a development dependency.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrismaShape } from 'nest-rocketmq/outbox';
import type { Library } from '../../tables/outbox-library.js';
import { extraPackages } from '../harness/extra-packages.js';

const PACKAGES = ['prisma@7.10.1', '@prisma/client@7.10.0', '@prisma/adapter-pg@7.10.0'];

/** Prisma's defaults, 2 s for a connection and 5 s for a transaction, are little on a busy machine. ms */
const PATIENT = { maxWait: 60_000, timeout: 60_000 };

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
  $transaction<T>(work: (transaction: Transaction) => Promise<T>, limits: typeof PATIENT): Promise<T>;
  $disconnect(): Promise<void>;
}

interface Transaction extends PrismaShape {
  readonly orders: { create(query: { data: { id: string } }): Promise<unknown> };
}

interface Modules {
  PrismaClient: new (options: { adapter: unknown }) => Client;
  PrismaPg: new (options: { connectionString: string; max: number }) => unknown;
}

function generate(folder: string): void {
  mkdirSync(join(folder, 'prisma'), { recursive: true });
  writeFileSync(join(folder, 'prisma/schema.prisma'), SCHEMA);
  writeFileSync(join(folder, 'prisma.config.mjs'), `export default { schema: 'prisma/schema.prisma' };\n`);
  // The engine that migrates is downloaded from a host of Prisma's; to generate a client, any file does in its place.
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  const args = [join(folder, 'node_modules/prisma/build/index.js'), 'generate', '--config', 'prisma.config.mjs'];
  execFileSync(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

export const PRISMA: Library = {
  name: 'Prisma',
  tells: false,
  async open(url, connections) {
    const { folder, load } = extraPackages('prisma-7.10.1', PACKAGES, generate);
    const { PrismaClient } = load(join(folder, 'generated/index.js')) as Pick<Modules, 'PrismaClient'>;
    const { PrismaPg } = load('@prisma/adapter-pg') as Pick<Modules, 'PrismaPg'>;
    const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: connections }) });
    return {
      database: client,
      place: (id, work) =>
        client.$transaction(async (transaction) => {
          await transaction.orders.create({ data: { id } });
          await work(transaction);
        }, PATIENT),
      close: () => client.$disconnect(),
    };
  },
};
