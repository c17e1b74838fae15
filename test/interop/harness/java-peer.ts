// Runs the Java peer program: starts scenarios in one JVM.
import { PEER_HEAP, javaPeerClasses, type RocketMQVersion } from './jars.js';
import { ScenarioPeer } from './scenario-peer.js';
import { temporaryFolder } from './temporary.js';

export { type PeerEvent, ScenarioEvents } from './scenario-peer.js';

export class JavaPeer extends ScenarioPeer {
  /** Starts the scenarios, all at once, under names that begin with `run`. @param flags of the JVM */
  static async start(
    version: RocketMQVersion,
    nameServer: string,
    run: string,
    scenarios: readonly string[],
    flags: readonly string[] = [],
    program: 'peer.Peer' | 'peer.PopPeer' = 'peer.Peer',
  ): Promise<JavaPeer> {
    const classPath = await javaPeerClasses(version);
    const home = temporaryFolder('java-peer');
    const properties = [`-Duser.home=${home}`, `-Drocketmq.client.logRoot=${home}/logs`];
    return new JavaPeer(`Java client ${version}`, 'java', [
      ...PEER_HEAP,
      ...flags,
      ...properties,
      '-cp',
      classPath,
      program,
      nameServer,
      run,
      ...scenarios,
    ]);
  }
}
