// Checks the name of the outbox's table.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';

/** The table's name unless the option `table` says otherwise. */
export const DEFAULT_TABLE = 'rocketmq_outbox';
const TABLE_NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;
/** PostgreSQL cuts names at 63 bytes; those of the indexes are longer than the table's. */
const LONGEST_NAME = 40;

/** Checked, since a name cannot be a parameter of a statement. @throws InvalidOptionError */
export function checkTable(table: unknown = DEFAULT_TABLE): string {
  const name = typeof table === 'string' && TABLE_NAME.test(table) ? bareName(table) : '';
  if (name !== '' && name.length <= LONGEST_NAME) return table as string;
  const allowed = `a name of at most ${LONGEST_NAME} characters, such as ${DEFAULT_TABLE} or shop.outbox`;
  throw new InvalidOptionError('table', table, allowed);
}

/** Without its schema. */
export function bareName(table: string): string {
  return table.split('.').at(-1)!;
}
