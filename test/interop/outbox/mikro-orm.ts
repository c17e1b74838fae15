// Opens MikroORM for the tests of the outbox. It is installed in a folder of its own.
import type { MikroOrmShape } from 'nest-rocketmq/outbox';
import type { Library } from '../../tables/outbox-library.js';
import { extraPackages } from '../harness/extra-packages.js';

/** The last that runs on Node 20. */
const VERSION = '6.6.16';
const PACKAGES = ['core', 'knex', 'postgresql'].map((name) => `@mikro-orm/${name}@${VERSION}`);

/** What this test uses of it. */
interface EntityManager extends MikroOrmShape {
  fork(): EntityManager;
  transactional(work: (em: EntityManager) => Promise<unknown>): Promise<unknown>;
  persist(entity: unknown): void;
  create(name: string, data: object): unknown;
}

interface Modules {
  EntitySchema: new (schema: object) => object;
  MikroORM: { init(options: object): Promise<{ em: EntityManager; close(): Promise<void> }> };
}

export const MIKRO_ORM: Library = {
  name: 'MikroORM',
  tells: false,
  async open(url, connections) {
    const { EntitySchema, MikroORM } = extraPackages(`mikro-orm-${VERSION}`, PACKAGES).load(
      '@mikro-orm/postgresql',
    ) as Modules;
    const orders = new EntitySchema({
      name: 'orders',
      tableName: 'orders',
      properties: { id: { type: 'string', primary: true } },
    });
    const orm = await MikroORM.init({ clientUrl: url, entities: [orders], pool: { min: 0, max: connections } });
    return {
      database: orm.em,
      place: async (id, work) => {
        await orm.em.fork().transactional(async (em) => {
          em.persist(em.create('orders', { id }));
          await work(em);
        });
      },
      close: () => orm.close(),
    };
  },
};
