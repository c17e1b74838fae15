// Measures one server in bench/backlog: fill, restart, read everything from the files, send latency with and without
// readers, the tail, and kill -9, after which no message may be missing.
import { type Figure, type Measurement, plain } from '../figures.js';
import { createTopics } from '../load/connection.js';
import { type ServerName, servers } from '../servers.js';
import { restart, startFigures } from '../start-time.js';
import type { BacklogOptions } from './options.js';
import { BACKLOG, disturbance, fill, PROBED, QUEUES, readAll, TAIL, tail } from './phases.js';

/** @param onLoss called if acknowledged messages are missing */
export async function measure(
  server: ServerName,
  options: BacklogOptions,
  onLoss: (when: string, lost: number) => void,
): Promise<Measurement> {
  const first = await servers[server]();
  await createTopics(first.nameServer, [BACKLOG, PROBED, TAIL], QUEUES);
  const filled = await fill(first, options);
  const lostOf = (when: string, there: number): Figure => {
    const lost = Math.max(0, filled.messages - there);
    if (lost > 0) onLoss(when, lost);
    return plain(`${when}: lost`, lost);
  };
  const clean = await restart(server, first, 'clean');
  const cleanStart = await startFigures(clean, 'start, clean: ');
  const cold = await readAll(clean.cluster, 'cold');
  const disturbed = await disturbance(clean.cluster, options);
  const atTail = await tail(clean.cluster, options);
  const killed = await restart(server, clean.cluster, 'killed');
  const killedStart = await startFigures(killed, 'start, kill -9: ');
  const after = await readAll(killed.cluster, 'after kill -9');
  return [
    ...filled.figures,
    ...cleanStart,
    ...cold.figures,
    lostOf('cold', cold.messages),
    ...disturbed,
    ...atTail,
    ...killedStart,
    ...after.figures,
    lostOf('after kill -9', after.messages),
  ];
}
