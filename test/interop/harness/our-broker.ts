// Owns our broker as a user runs it: the built command nest-rocketmq-broker in a process of its own.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './children.js';
import { BROKER_SETTINGS, type Cluster, type ClusterOptions, propertiesFile } from './cluster.js';
import { ourBrokerMain } from './paths.js';
import { freePort } from './ports.js';
import { temporaryFolder } from './temporary.js';

const READY_TIMEOUT_MS = 30_000;

export async function startOurBroker(options: ClusterOptions = {}): Promise<Cluster> {
  if (!existsSync(ourBrokerMain)) throw new Error(`${ourBrokerMain} is missing: build it with \`npm run build\``);
  const home = temporaryFolder('our-rocketmq');
  const store = options.store ?? join(home, 'store');
  const brokerFile = join(home, 'broker.conf');
  writeFileSync(brokerFile, propertiesFile({ ...BROKER_SETTINGS, ...options.settings }));
  const nameServer = options.at?.nameServer ?? `127.0.0.1:${await freePort()}`;
  const brokerAddress = options.at?.brokerAddress ?? `127.0.0.1:${await freePort()}`;
  const broker = startChild('our broker', process.execPath, [
    ourBrokerMain,
    '--listen',
    brokerAddress,
    '--name-server-listen',
    nameServer,
    '--store',
    store,
    '-c',
    brokerFile,
  ]);
  await broker.line(/^ready name-server=/, READY_TIMEOUT_MS);
  return {
    nameServer,
    brokerAddress,
    store,
    brokerPid: broker.pid,
    async stop() {
      const status = await broker.stop();
      if (status.code !== 0)
        throw broker.failure(`answered SIGTERM with ${JSON.stringify(status)} instead of exit code 0`);
    },
    async kill() {
      await broker.kill();
    },
  };
}
