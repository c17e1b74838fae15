// Starts what bench/nest needs of Java: Apache's proxy for clients that speak gRPC, and a program that sends with Apache's client.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from '../../test/interop/harness/children.js';
import {
  apacheJars,
  FETCH_TIMEOUT_MS,
  makeOnce,
  requireTool,
  ROCKETMQ_5,
  run,
  stampOf,
} from '../../test/interop/harness/jars.js';
import { repositoryRoot } from '../../test/interop/harness/paths.js';
import { freePort } from '../../test/interop/harness/ports.js';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';
import { payloadOf } from './programs/payload.js';
import type { Task } from './programs/task.js';

const folder = join(repositoryRoot, 'bench/nest/java');
const PROXY_START_MS = 120_000;
/** The same as the broker's. */
const PROXY_HEAP = ['-Xms512m', '-Xmx1g', '-XX:MaxDirectMemorySize=1g'];
const PROGRAM_HEAP = ['-Xms256m', '-Xmx512m'];

async function proxyJars(): Promise<string> {
  const jars = join(folder, 'lib');
  const pom = join(folder, 'pom.xml');
  await makeOnce(jars, stampOf(pom), async (unfinished) => {
    await requireTool('mvn', '-version', 'install Maven, 3.8 or later');
    const options = ['-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    await run('mvn', ['-q', '-B', '-f', pom, ...options, 'dependency:copy-dependencies'], {
      timeout: FETCH_TIMEOUT_MS,
    });
  });
  return join(jars, '*');
}

export interface Proxy {
  /** host:port for gRPC. */
  readonly address: string;
  readonly child: Child;
}

/** A proxy in a process of its own, in front of the brokers of this name server. */
export async function startProxy(nameServer: string): Promise<Proxy> {
  const home = temporaryFolder('apache-proxy');
  mkdirSync(join(home, 'conf'));
  const config = join(home, 'conf/rmq-proxy.json');
  const port = await freePort();
  const settings = {
    rocketMQClusterName: 'DefaultCluster',
    namesrvAddr: nameServer,
    grpcServerPort: port,
    remotingListenPort: await freePort(),
    proxyMode: 'CLUSTER',
  };
  writeFileSync(config, JSON.stringify(settings));
  const args = [...PROXY_HEAP, `-Duser.home=${home}`, '-cp', await proxyJars()];
  const child = startChild('proxy', 'java', [...args, 'org.apache.rocketmq.proxy.ProxyStartup', '-pc', config], {
    env: { ROCKETMQ_HOME: home },
    cwd: home,
  });
  await child.line(/startup successfully/i, PROXY_START_MS);
  return { address: `127.0.0.1:${port}`, child };
}

/** Java compiles the one file as it starts it. */
export async function startJavaClient({ mode, server, size, underWay, warmUp, seconds }: Task): Promise<Child> {
  const body = JSON.stringify(payloadOf(size));
  const jars = await apacheJars(ROCKETMQ_5);
  const home = `-Duser.home=${temporaryFolder('bench-java')}`;
  const args = [mode, server, body, underWay, warmUp, seconds].map(String);
  return startChild('java', 'java', [...PROGRAM_HEAP, home, '-cp', jars, join(folder, 'JavaClient.java'), ...args]);
}
