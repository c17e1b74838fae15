// Starts members of a group, each in a process of its own, with the Java and the Go client.
import type { StartMember } from '../../orderly/scenario.js';
import { startChild } from './children.js';
import type { Cluster } from './cluster.js';
import { GO_LATER, goPeerEnvironment, goPeerProgram } from './go-peer.js';
import { javaPeerClasses, QUICK_START, ROCKETMQ_5 } from './jars.js';
import { temporaryFolder } from './temporary.js';

const START_TIMEOUT_MS = 120_000;
const STARTED = /"event":"started"/;

/** In order, or concurrently. */
export type MemberScenario = 'member' | 'listen';

/** Topic and group are named by the scenario, and by `run`. */
export function startJavas(
  { nameServer }: Pick<Cluster, 'nameServer'>,
  run: string,
  scenario: MemberScenario,
): StartMember {
  return async (name, onLine) => {
    const classPath = await javaPeerClasses(ROCKETMQ_5);
    const home = temporaryFolder('java-member');
    const heap = ['-Xms32m', '-Xmx128m', ...QUICK_START];
    const settings = [`-Duser.home=${home}`, `-Drocketmq.client.logRoot=${home}/logs`];
    const args = [...heap, ...settings, '-cp', classPath, 'peer.Peer', nameServer, run, scenario];
    const child = startChild(`${name} (Java)`, 'java', args, { onLine });
    await child.line(STARTED, START_TIMEOUT_MS);
    return { name, child };
  };
}

/** As `startJavas`. */
export function startGos(
  cluster: Pick<Cluster, 'nameServer' | 'brokerAddress'>,
  run: string,
  scenario: MemberScenario,
): StartMember {
  return async (name, onLine) => {
    const program = await goPeerProgram(GO_LATER);
    const env = goPeerEnvironment(cluster);
    const child = startChild(`${name} (Go)`, program, [cluster.nameServer, run, scenario], { onLine, env });
    await child.line(STARTED, START_TIMEOUT_MS);
    return { name, child };
  };
}
