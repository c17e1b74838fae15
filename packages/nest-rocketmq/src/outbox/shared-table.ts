// Names an outbox's table by its cluster, and refuses a table that two clusters' outboxes have: the relay of one would send the
// rows of the other.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ModulesContainer } from '@nestjs/core';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { DEFAULT_TABLE } from './dialects/table-name.js';
import type { CheckedOutboxOptions } from './outbox-options.js';
import { OUTBOX_CLUSTER, checkedOptionsToken } from './outbox.tokens.js';

/** The name unless the option `table` says otherwise. Clusters 'a-b' and 'a_b' have the same. */
export function defaultTableOf(cluster: string): string {
  return cluster === DEFAULT_CLUSTER ? DEFAULT_TABLE : `${DEFAULT_TABLE}_${cluster.replaceAll(/\W/g, '_')}`;
}

/**
 * @param modules of the app, whose providers have been created
 * @throws InvalidOptionError if the outbox of another cluster has the same table, of the same database object or by default
 */
export function refuseSharedTable(modules: ModulesContainer, cluster: string, own: CheckedOutboxOptions): void {
  for (const module of modules.values()) {
    const other = module.providers.get(OUTBOX_CLUSTER)?.instance as string | undefined;
    if (other === undefined || other === cluster) continue;
    const options = module.providers.get(checkedOptionsToken(other))?.instance as CheckedOutboxOptions | undefined;
    if (!options || !isSame(own.table, options.table)) continue;
    // Two databases may have tables of one name, but nobody has chosen these names: they may as well be one database's.
    const byDefault = isSame(own.table, defaultTableOf(cluster)) && isSame(options.table, defaultTableOf(other));
    if (!byDefault && own.database.given !== options.database.given) continue;
    const allowed =
      `a table that is this outbox's alone, such as '${own.table}_2'. The outbox of cluster '${other}' has this one, and would ` +
      'send its messages there';
    throw new InvalidOptionError('table', own.table, allowed, `RocketMQOutboxModule of cluster '${cluster}'`);
  }
}

/** Databases take names without regard to case. */
function isSame(table: string, other: string): boolean {
  return table.toLowerCase() === other.toLowerCase();
}
