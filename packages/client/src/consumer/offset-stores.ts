// Owns the choice between the two offset stores: brokers for a group that shares its messages, this machine for one whose
// consumers each get all.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ClientCore } from '../core.js';
import type { ResolvedPushConsumerOptions } from './consumer-options.js';
import { LocalOffsetStore, memoryOffsetFile, nodeOffsetFile } from './local-offset-store.js';
import { BrokerOffsetStore } from './offset-store.js';
import type { OffsetStore } from './offset-store.js';

export function offsetStoreOf(core: ClientCore, consumer: ResolvedPushConsumerOptions): OffsetStore {
  const { routes, brokers, logger, outages, options, clientId } = core;
  const { group, messageModel, localOffsetStoreDir } = consumer;
  if (messageModel === 'CLUSTERING') return new BrokerOffsetStore({ group, routes, brokers, logger, outages });
  if (localOffsetStoreDir === 'memory') return new LocalOffsetStore(memoryOffsetFile(), logger);
  const folder = localOffsetStoreDir ?? join(homedir(), '.rocketmq_offsets');
  // Not the client id, which is another one after each start; it is Apache's for a broadcasting consumer.
  const owner = `${clientId.split('@')[0]}@${options.instanceName ?? 'DEFAULT'}`;
  return new LocalOffsetStore(nodeOffsetFile(join(folder, owner, group, 'offsets.json')), logger);
}
