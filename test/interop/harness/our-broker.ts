// Runs our broker as a user does: the built command nest-rocketmq-broker in a process of its own.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './children.js';
import { BROKER_SETTINGS, type Cluster, type ClusterOptions, propertiesFile } from './cluster.js';
import { ourBrokerMain } from './paths.js';
import { freePort } from './ports.js';
import { temporaryFolder } from './temporary.js';

const READY_TIMEOUT_MS = 90_000;
const READY = /^ready name-server=(\S+) broker=(\S+)$/;

export interface OurBrokerOptions extends ClusterOptions {
  /** Added to the broker's environment. */
  env?: Record<string, string>;
  /** Called with every line that it prints. */
  onLine?: (line: string) => void;
}

export async function startOurBroker(options: OurBrokerOptions = {}): Promise<Cluster> {
  if (!existsSync(ourBrokerMain)) throw new Error(`${ourBrokerMain} is missing: build it with \`npm run build\``);
  const home = temporaryFolder('our-rocketmq');
  const store = options.store ?? join(home, 'store');
  // Not ports that the system chooses: while a broker that was killed is away, the next connection of any process may get them.
  const at = options.at ?? {
    brokerAddress: `127.0.0.1:${await freePort()}`,
    nameServer: `127.0.0.1:${await freePort()}`,
  };
  const brokerFile = join(home, 'broker.conf');
  writeFileSync(brokerFile, propertiesFile({ ...BROKER_SETTINGS, ...options.settings }));
  const broker = startChild(
    'our broker',
    process.execPath,
    [
      ourBrokerMain,
      `--listen=${at.brokerAddress}`,
      `--name-server-listen=${at.nameServer}`,
      `--store=${store}`,
      `--config=${brokerFile}`,
    ],
    { env: options.env, onLine: options.onLine },
  );
  const [, nameServer = '', brokerAddress = ''] = READY.exec(
    await broker.line(READY, options.patience ?? READY_TIMEOUT_MS),
  )!;
  return {
    nameServer,
    brokerAddress,
    store,
    brokerPid: broker.pid,
    async stop() {
      const status = await broker.stop(options.patience);
      if (status.code !== 0)
        throw broker.failure(`answered SIGTERM with ${JSON.stringify(status)} instead of exit code 0`);
    },
    async kill() {
      await broker.kill();
    },
  };
}
