// Measures how long a broker takes to start on its store: from the start of its process (Node's or the JVM's own start
// included, the name server's not) to its first answer.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { comparable, type Figure } from './figures.js';
import { openConnection } from './load/connection.js';
import { loopFigures } from './loop-delays.js';
import { memoryFigures, processAge } from './process-stats.js';
import { type MeasuredCluster, type ServerName, servers } from './servers.js';

const POLL_MS = 10;

/** When the broker at the address first answers, as performance.now() has it. */
async function firstAnswer(address: string, ended: () => boolean): Promise<number> {
  while (!ended()) {
    try {
      const connection = await openConnection(address);
      try {
        await connection.request(Requests.GET_BROKER_RUNTIME_INFO, {});
        return performance.now();
      } finally {
        connection.close();
      }
    } catch {
      // Refused, or closed during its start: try again.
      await delay(POLL_MS);
    }
  }
  return NaN;
}

/** The store and addresses of a server that has run, or will. */
export type Place = Pick<MeasuredCluster, 'store' | 'nameServer' | 'brokerAddress'>;

export interface Restarted {
  cluster: MeasuredCluster;
  /** ms */
  startTime: number;
}

/** Starts a server on a store, at addresses that are known before. */
export async function startAgain(server: ServerName, ended: Place): Promise<Restarted> {
  let failed = false;
  const answer = firstAnswer(ended.brokerAddress, () => failed);
  try {
    const cluster = await servers[server]({ store: ended.store, at: ended });
    const answeredAt = await answer;
    return { cluster, startTime: processAge(cluster.brokerPid) - (performance.now() - answeredAt) };
  } catch (error) {
    failed = true;
    throw error;
  }
}

export async function restart(
  server: ServerName,
  cluster: MeasuredCluster,
  how: 'clean' | 'killed',
): Promise<Restarted> {
  if (how === 'clean') await cluster.stop();
  else await cluster.kill();
  dropCaches();
  return startAgain(server, cluster);
}

/** What the start took, and left; the event loop's delays are those of the start itself. */
export async function startFigures({ cluster, startTime }: Restarted, when: string): Promise<Figure[]> {
  const delays = await cluster.loopDelays();
  return [comparable(`${when}ms`, startTime), ...memoryFigures(cluster.brokerPid, when), ...loopFigures(delays, when)];
}

/** Drops the page cache, as after a reboot. Returns false without root. */
export function dropCaches(): boolean {
  try {
    // Only what is on the disk already can be dropped.
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}
