// Starts and stops a real Apache RocketMQ name server and broker on 127.0.0.1.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './children.js';
import { BROKER_SETTINGS, type Cluster, type ClusterOptions, propertiesFile } from './cluster.js';
import { apacheJars, QUICK_START } from './jars.js';
import { freeBrokerPort, freePort } from './ports.js';
import { waitForRoute } from './route-probe.js';
import { temporaryFolder } from './temporary.js';
import { type RocketMQVersion, isBefore, nameServerOf, ROCKETMQ_5 } from './versions.js';

const BOOT_TIMEOUT_MS = 170_000;

/** Apache reaches into the JDK's own classes; without these it fails on JDK 17. */
const OPEN_MODULES = [
  '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
];
/** What Apache's broker needs to be reliable in short tests on a slow machine. */
const APACHE_SETTINGS: Readonly<Record<string, string>> = {
  // A cold JVM would refuse sends that wait for 200 ms with "broker busy", and lose the ends of transactions, which nobody
  // sends again, after 3 s.
  brokerFastFailureEnable: 'false',
  // By default it refuses sends while one of them holds the store for a second, as in a pause of the JVM.
  osPageCacheBusyTimeOutMills: '20000',
  // It delays verdicts by this, ms; with the default of 3000 it checks transactions that were committed.
  transactionOpBatchInterval: '100',
};

/** 4.9 and 5.0 do not start without files for their logs. */
const NO_LOGS = '<configuration><root level="OFF"/></configuration>';

const NAME_SERVER_HEAP = ['-Xms64m', '-Xmx192m', ...QUICK_START];
export const SMALL_BROKER_HEAP: readonly string[] = [
  '-Xms256m',
  '-Xmx768m',
  '-XX:MaxDirectMemorySize=512m',
  ...QUICK_START,
];

export interface ApacheOptions extends ClusterOptions {
  /** Default: 5.5.0. */
  version?: RocketMQVersion;
  /** The name server of a running cluster, which this broker joins. Default: a new one. */
  join?: string;
  /** JVM options of the broker's heap. Default: small. */
  brokerHeap?: readonly string[];
}

const portOf = (address: string): number => Number(address.split(':')[1]);

export async function startApache(options: ApacheOptions = {}): Promise<Cluster> {
  const { version = ROCKETMQ_5 } = options;
  const { home, java } = await apacheHome(version);
  const nameServer = options.join ?? `127.0.0.1:${options.at ? portOf(options.at.nameServer) : await freePort()}`;
  const nameServerChild = options.join === undefined ? await startNameServer(nameServer, version) : undefined;

  const store = options.store ?? join(home, 'store');
  const brokerPort = options.at ? portOf(options.at.brokerAddress) : await freeBrokerPort();
  const brokerFile = join(home, 'conf/broker.conf');
  const own = {
    listenPort: String(brokerPort),
    namesrvAddr: nameServer,
    storePathRootDir: store,
    ...(isBefore(version, '5.0.0') && { storePathCommitLog: join(store, 'commitlog') }),
  };
  writeFileSync(brokerFile, propertiesFile({ ...BROKER_SETTINGS, ...APACHE_SETTINGS, ...own, ...options.settings }));
  const broker = java('Apache broker', options.brokerHeap ?? SMALL_BROKER_HEAP, [
    'org.apache.rocketmq.broker.BrokerStartup',
    '-c',
    brokerFile,
  ]);
  await broker.line(/boot success/i, options.patience ?? BOOT_TIMEOUT_MS);
  await waitForRoute(nameServer, 'TBW102');
  return {
    nameServer,
    brokerAddress: `127.0.0.1:${brokerPort}`,
    store,
    brokerPid: broker.pid,
    // The broker first: it tells the name server that it goes.
    async stop() {
      await broker.stop(options.patience);
      await nameServerChild?.stop();
    },
    async kill() {
      await Promise.all([broker.kill(), nameServerChild?.kill()]);
    },
  };
}

/** Starts a name server alone, for brokers that `join` it. @param settings of namesrv.conf. @returns its address */
export async function startApacheNameServer(settings: Record<string, string> = {}): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  await startNameServer(address, ROCKETMQ_5, settings);
  return address;
}

/** A new ROCKETMQ_HOME, and what starts a JVM in it. */
async function apacheHome(version: RocketMQVersion): Promise<{ home: string; java: Java }> {
  const classPath = await apacheJars(version);
  const home = temporaryFolder('apache-rocketmq');
  mkdirSync(join(home, 'conf'));
  if (isBefore(version, '5.1.0')) {
    for (const part of ['namesrv', 'broker', 'tools']) writeFileSync(join(home, `conf/logback_${part}.xml`), NO_LOGS);
  }
  const java: Java = (name, heap, args) =>
    startChild(name, 'java', [...OPEN_MODULES, ...heap, `-Duser.home=${home}`, '-cp', classPath, ...args], {
      env: { ROCKETMQ_HOME: home },
      cwd: home,
    });
  return { home, java };
}

type Java = (name: string, heap: readonly string[], args: string[]) => Child;

async function startNameServer(
  address: string,
  version: RocketMQVersion,
  settings: Record<string, string> = {},
): Promise<Child> {
  const { home, java } = await apacheHome(nameServerOf(version));
  const file = join(home, 'conf/namesrv.conf');
  writeFileSync(file, propertiesFile({ listenPort: String(portOf(address)), bindAddress: '127.0.0.1', ...settings }));
  const child = java('Apache name server', NAME_SERVER_HEAP, [
    'org.apache.rocketmq.namesrv.NamesrvStartup',
    '-c',
    file,
  ]);
  await child.line(/boot success/i, BOOT_TIMEOUT_MS);
  return child;
}
