// Starts the program of bench/nest that sends with Apache's client.
import { join } from 'node:path';
import { type Child, startChild } from '../../test/interop/harness/children.js';
import { apacheJars, ROCKETMQ_5 } from '../../test/interop/harness/jars.js';
import { repositoryRoot } from '../../test/interop/harness/paths.js';
import { temporaryFolder } from '../../test/interop/harness/temporary.js';
import { payloadOf } from './programs/payload.js';
import type { Task } from './programs/task.js';

const SOURCE = join(repositoryRoot, 'bench/nest/java/JavaClient.java');
const HEAP = ['-Xms256m', '-Xmx512m'];

/** Java compiles the one file as it starts it. */
export async function startJavaClient({ mode, server, size, underWay, warmUp, seconds }: Task): Promise<Child> {
  const body = JSON.stringify(payloadOf(size));
  const home = `-Duser.home=${temporaryFolder('bench-java')}`;
  const args = [mode, server, body, underWay, warmUp, seconds].map(String);
  return startChild('java', 'java', [...HEAP, home, '-cp', await apacheJars(ROCKETMQ_5), SOURCE, ...args]);
}
