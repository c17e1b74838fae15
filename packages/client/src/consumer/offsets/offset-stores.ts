// Chooses a consumer's offset store: the brokers for clustering, this machine for broadcasting.
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { ClientContext } from '../../client-context.js';
import type { ResolvedPushConsumerOptions } from '../options/consumer-options.js';
import { LocalOffsetStoreError, TooManyConsumersError } from './local-offset-errors.js';
import { LocalOffsetStore } from './local-offset-store.js';
import { claimOffsetFile, memoryOffsetFile } from './offset-file.js';
import type { OffsetFile } from './offset-file.js';
import { BrokerOffsetStore } from './offset-store.js';
import type { OffsetStore } from './offset-store.js';

const MEMORY = 'memory';

type OffsetsOptions = Pick<
  ResolvedPushConsumerOptions,
  'group' | 'messageModel' | 'localOffsetStoreDir' | 'consumeFromWhere'
>;

export function offsetStoreOf(context: ClientContext, consumer: OffsetsOptions): OffsetStore {
  const { routes, brokers, logger, outages, options } = context;
  const { group, messageModel } = consumer;
  const byTime = consumer.consumeFromWhere === 'CONSUME_FROM_TIMESTAMP';
  if (messageModel === 'CLUSTERING') return new BrokerOffsetStore({ group, byTime, routes, brokers, logger, outages });
  const folder = consumer.localOffsetStoreDir ?? options.localOffsetStoreDir ?? homeOf(options.nameServers, group);
  return new LocalOffsetStore({ group, folder, claim: () => claimed(context, folder, group), logger });
}

/** @throws LocalOffsetStoreError, TooManyConsumersError */
async function claimed({ options, logger }: ClientContext, folder: string, group: string): Promise<OffsetFile> {
  if (folder === MEMORY) return memoryOffsetFile();
  // Not the client id, which changes with each start, and not the address, which changes on laptops and in containers.
  const owner = `${options.clientIP ?? hostname()}@${options.instanceName ?? 'DEFAULT'}`;
  try {
    const { file, place } = await claimOffsetFile(folder, owner.replace(/[^\w@.#-]/g, '_'), group);
    if (place > 1) {
      logger.warn(
        `broadcasting group ${group} has ${place} consumers on this host: this one keeps its offsets in ${file.name}. ` +
          'Give each client an instanceName, so that each finds its own offsets after a restart.',
      );
    }
    return file;
  } catch (error) {
    throw error instanceof TooManyConsumersError ? error : new LocalOffsetStoreError(group, folder, { cause: error });
  }
}

/** A folder for each cluster: offsets are meaningful only at the brokers that assigned them. */
function homeOf(nameServers: readonly string[], group: string): string {
  const cluster = nameServers
    .toSorted()
    .join('_')
    .replace(/[^\w.-]/g, '_');
  return join(userHome(group), '.rocketmq_offsets', cluster);
}

/** A container may run as a user whom its system does not know. @throws LocalOffsetStoreError */
function userHome(group: string): string {
  try {
    return homedir();
  } catch (cause) {
    throw new LocalOffsetStoreError(group, '~/.rocketmq_offsets', { cause });
  }
}
