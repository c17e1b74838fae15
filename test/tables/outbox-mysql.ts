// Lists the database libraries that the outbox works with on MySQL and MariaDB.
import { drizzle } from 'drizzle-orm/mysql2';
import mysql from 'mysql2/promise';
import { drizzleOn, knexOn, typeOrm } from './outbox-library.js';
import type { Library } from './outbox-library.js';

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
  typeOrm('mariadb', INSERT),
  knexOn('mysql2'),
  drizzleOn((url, connections) => {
    const pool = mysql.createPool({ uri: url, connectionLimit: connections });
    return [drizzle({ client: pool }), () => pool.end()];
  }),
];
