// Starts Apache's proxy in front of a cluster, and the peer program with Apache's gRPC client for Java.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './children.js';
import { BROKER_SETTINGS } from './cluster.js';
import { PEER_HEAP, javaClasses, mavenJars } from './jars.js';
import { repositoryRoot } from './paths.js';
import { freePort } from './ports.js';
import { ScenarioPeer } from './scenario-peer.js';
import { temporaryFolder } from './temporary.js';

const root = join(repositoryRoot, 'test/interop/grpc');
const PROXY_START_MS = 120_000;

export interface Proxy {
  /** host:port for gRPC. */
  readonly address: string;
  readonly child: Child;
}

/** A proxy of Apache RocketMQ 5.5.0 in front of the brokers of this name server. @param heap options of the JVM. Default: small */
export async function startProxy(nameServer: string, heap: readonly string[] = PEER_HEAP): Promise<Proxy> {
  const jars = await mavenJars(join(root, 'proxy/pom.xml'), join(root, 'proxy/lib'));
  const home = temporaryFolder('apache-proxy');
  mkdirSync(join(home, 'conf'));
  const config = join(home, 'conf/rmq-proxy.json');
  const port = await freePort();
  const settings = {
    rocketMQClusterName: BROKER_SETTINGS['brokerClusterName'],
    namesrvAddr: nameServer,
    grpcServerPort: port,
    remotingListenPort: await freePort(),
    proxyMode: 'CLUSTER',
  };
  writeFileSync(config, JSON.stringify(settings));
  const args = [...heap, `-Duser.home=${home}`, '-cp', jars, 'org.apache.rocketmq.proxy.ProxyStartup', '-pc', config];
  const child = startChild("Apache's proxy", 'java', args, { env: { ROCKETMQ_HOME: home }, cwd: home });
  await child.line(/startup successfully/i, PROXY_START_MS);
  return { address: `127.0.0.1:${port}`, child };
}

/** Starts scenarios of the peer, all at once. @param proxy host:port @param run begins the names of its topics and groups */
export async function startGrpcPeer(proxy: string, run: string, scenarios: readonly string[]): Promise<ScenarioPeer> {
  const pom = join(root, 'pom.xml');
  const jars = await mavenJars(pom, join(root, 'lib'));
  const classPath = await javaClasses({ folder: join(root, 'src/grpc'), pom }, jars, join(root, 'target/classes'));
  const home = `-Duser.home=${temporaryFolder('grpc-peer')}`;
  const args = [...PEER_HEAP, home, '-cp', classPath, 'grpc.GrpcPeer', proxy, run, ...scenarios];
  return new ScenarioPeer('gRPC client of Java', 'java', args);
}
