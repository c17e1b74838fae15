// Lists the database libraries that the outbox works with on MySQL and MariaDB.
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import knex from 'knex';
import mysql from 'mysql2/promise';
import { DataSource } from 'typeorm';
import type { Library } from './outbox.js';

const INSERT = 'INSERT INTO orders (id) VALUES (?)';

export const MYSQL_LIBRARIES: readonly Library[] = [
  {
    name: 'mysql2',
    tells: false,
    async open(url, connections) {
      const pool = mysql.createPool({ uri: url, connectionLimit: connections });
      return {
        database: pool,
        async place(id, work) {
          const connection = await pool.getConnection();
          try {
            await connection.beginTransaction();
            await connection.query(INSERT, [id]);
            await work(connection);
            await connection.commit();
          } catch (error) {
            await connection.rollback();
            throw error;
          } finally {
            connection.release();
          }
        },
        close: () => pool.end(),
      };
    },
  },
  {
    name: 'TypeORM',
    tells: true,
    async open(url, connections) {
      const source = new DataSource({ type: 'mariadb', url, poolSize: connections });
      await source.initialize();
      return {
        database: source,
        place: (id, work) =>
          source.transaction(async (manager) => {
            await manager.query(INSERT, [id]);
            await work(manager);
          }),
        close: () => source.destroy(),
      };
    },
  },
  {
    name: 'Knex',
    tells: true,
    async open(url, connections) {
      const database = knex({ client: 'mysql2', connection: url, pool: { min: 0, max: connections } });
      return {
        database,
        place: (id, work) =>
          database.transaction(async (transaction) => {
            await transaction('orders').insert({ id });
            await work(transaction);
          }),
        close: () => database.destroy(),
      };
    },
  },
  {
    name: 'Drizzle',
    tells: false,
    async open(url, connections) {
      const pool = mysql.createPool({ uri: url, connectionLimit: connections });
      const database = drizzle({ client: pool });
      return {
        database,
        place: (id, work) =>
          database.transaction(async (transaction) => {
            await transaction.execute(sql`INSERT INTO orders (id) VALUES (${id})`);
            await work(transaction);
          }),
        close: () => pool.end(),
      };
    },
  },
];
