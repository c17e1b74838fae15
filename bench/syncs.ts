// Counts the messages for each sync of the disk with strace, which slows the broker down and so runs outside of the measured
// interval.
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, startChild } from '../test/interop/harness/children.js';
import type { Cluster } from '../test/interop/harness/cluster.js';
import { maxOffsets, openConnection } from './load/connection.js';

const WINDOW_MS = 3000;
const ATTACH_MS = 10_000;
/** Java's MappedByteBuffer.force is msync, its FileChannel.force fdatasync or fsync. */
const CALLS = 'fdatasync,fsync,msync';
/** A row of strace's summary: % time, seconds, µs per call, calls, errors where there are, name. */
const ROW = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:fdatasync|fsync|msync)\s*$/;

interface Trace {
  child: Child;
  calls: number;
}

/** Undefined where there is no strace, or it may not look at the process. */
async function attach(pid: number): Promise<Trace | undefined> {
  try {
    const child = startChild('strace', 'strace', ['-c', '-f', '-e', `trace=${CALLS}`, '-p', String(pid)], {
      onLine: (line) => (trace.calls += Number(ROW.exec(line)?.[1] ?? 0)),
    });
    const trace: Trace = { child, calls: 0 };
    await child.line(/attached/, ATTACH_MS);
    return trace;
  } catch {
    return undefined;
  }
}

/**
 * Messages of the topic for each sync of the broker, over three seconds of a load that somebody else keeps up.
 * Syncs of all its files count, but those of queues and checkpoints are few beside a synchronous log's.
 */
export async function messagesPerSync(cluster: Cluster, topic: string, queues: number): Promise<number | undefined> {
  const trace = await attach(cluster.brokerPid);
  if (trace === undefined) return undefined;
  const connection = await openConnection(cluster.brokerAddress);
  const stored = async (): Promise<number> =>
    (await maxOffsets(connection, topic, queues)).reduce((sum, offset) => sum + offset, 0);
  const before = await stored();
  await delay(WINDOW_MS);
  const messages = (await stored()) - before;
  connection.close();
  await trace.child.stop();
  return trace.calls === 0 ? undefined : messages / trace.calls;
}
