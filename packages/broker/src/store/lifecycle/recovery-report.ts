// Says in the log what a start found damaged, and what became of it.
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { StoreConfig } from '../options.js';
import type { OffsetRange, QueueRebuild } from '../consumequeue/queue-rebuild.js';
import type { LostRange, Recovered } from './recovery.js';

/** Queues that get a line of their own, and ranges that a line has. */
const MOST_LINES = 100;
const MOST_RANGES = 5;
const MOST_QUEUES = 20;

export function reportRecovery({ logger, root }: StoreConfig, recovered: Recovered): void {
  const { lost, rebuilds, compared, misplaced, records } = recovered;
  for (const range of lost) logger.error(lostText(range, root));
  if (misplaced > 0)
    logger.error(`${misplaced} records of the commit log in ${root} have a place in their queue that is taken`);
  const changed = rebuilds.filter((rebuild) => rebuild.changed.length + rebuild.lost.length > 0);
  for (const rebuild of changed.slice(0, MOST_LINES)) logger.warn(changedText(rebuild));
  if (changed.length > MOST_LINES) logger.warn(`so were ${changed.length - MOST_LINES} more consume queues in ${root}`);
  if (compared && records > 0)
    logger.log(`the consume queues in ${root} were compared with the ${records} records of the commit log`);
}

function lostText({ from, to, messages }: LostRange, root: string): string {
  const counts = [...messages].slice(0, MOST_QUEUES).map(([queue, count]) => `${count} of ${nameOf(queue)}`);
  if (messages.size > MOST_QUEUES) counts.push(`and those of ${messages.size - MOST_QUEUES} more queues`);
  const total = [...messages.values()].reduce((sum, count) => sum + count, 0);
  const which = total > 0 ? ` (${total} messages are known: ${counts.join(', ')})` : '';
  return (
    `the bytes ${from} to ${to} of the commit log in ${root} are missing or damaged: ` +
    `their messages are lost${which}, all others are served`
  );
}

function changedText({ queue, changed, lost }: QueueRebuild): string {
  const parts: string[] = [];
  if (changed.length > 0) parts.push(`${rangesText(changed)} did not lead to their messages, and were rewritten`);
  if (lost.length > 0) parts.push(`${rangesText(lost)} have no message in the commit log any more`);
  return `the consume queue of ${nameOf(queue)} was damaged: the offsets ${parts.join('; ')}`;
}

function rangesText(ranges: readonly OffsetRange[]): string {
  const shown = ranges
    .slice(0, MOST_RANGES)
    .map(({ from, to }) => (to - from === 1 ? `${from}` : `${from} to ${to - 1}`));
  const total = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  return ranges.length > MOST_RANGES ? `${shown.join(', ')} and others (${total} in all)` : shown.join(', ');
}

function nameOf({ topic, queueId }: ConsumeQueue): string {
  return `topic ${topic} queue ${queueId}`;
}
