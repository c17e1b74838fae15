// Prints what work after a commit finds in the context of nestjs-cls. Needs the build.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';
import knex from 'knex';
import { afterCommit } from '../../packages/nest-rocketmq/dist/esm/outbox/index.js';

const app = await NestFactory.createApplicationContext(ClsModule.forRoot(), { logger: false });
const cls = app.get(ClsService);

/** A Knex whose connection answers to everything: no database is needed to begin and commit. */
class Connectionless extends knex.Client {
  _driver() {
    return {};
  }
  async acquireRawConnection() {
    return { __knexUid: 'one' };
  }
  async destroyRawConnection() {}
  async _query(_connection, query) {
    return { ...query, response: {} };
  }
  processResponse(query) {
    return query.response;
  }
}

// Its constructor asks for it, before fields are set.
Connectionless.prototype.driverName = 'none';
const database = knex({ client: Connectionless, connection: {} });
await cls.run(async () => {
  cls.set('requestId', 'r1');
  await database.transaction(async (transaction) => {
    cls.set('transaction', transaction);
    afterCommit(cls.get('transaction'), () => process.stdout.write(`${cls.get('requestId')}\n`));
    cls.set('transaction', undefined);
  });
});
await database.destroy();
await app.close();
