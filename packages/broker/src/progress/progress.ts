// Opens the broker's notes of how far it had come with delayed messages and halves, and completes them from the log.
import { DelayOffsets, readDelayOffsets } from '../delay/delay-offsets.js';
import { levelsInUse } from '../delay/level-timer.js';
import type { DelayLevels } from '../message/schedule-message.js';
import type { Environment } from '../environment.js';
import { findOutcomes } from './outcomes.js';
import type { Outcomes } from './outcomes.js';
import type { MessageStore } from '../store/store.js';
import { loadTimers } from '../timer/load-timers.js';
import { NONE_DELIVERED } from '../timer/pending-timers.js';
import type { PendingTimers } from '../timer/pending-timers.js';

export interface Progress {
  outcomes: Outcomes;
  delayOffsets: DelayOffsets;
  /** The end of the last message of the timer topic, position in the log. */
  knownEnd: number;
}

export async function openProgress(
  { config, opened }: Environment,
  store: MessageStore,
  levels: DelayLevels,
  pending: PendingTimers,
): Promise<Progress> {
  const { clock, logger } = config;
  const delayFile = await opened('delayOffset.json', 'offsetTable');
  const saved = readDelayOffsets(delayFile.saved, logger);
  const outcomes = await findOutcomes({
    store,
    saved,
    levels: levelsInUse(store, levels.max),
    now: clock.now(),
    logger,
  });
  const { lastTimer } = outcomes;
  const first = saved.timers?.first ?? 0;
  const foundTimers = lastTimer && { ...lastTimer, first };
  const delayOffsets = new DelayOffsets({ ...config, ...delayFile, store, offsets: outcomes.delivered, foundTimers });
  const delivered = lastTimer ?? NONE_DELIVERED;
  const knownEnd = await loadTimers({ store, pending, delivered, first, logger });
  // What was found out need not be found out again.
  if (outcomes.delivered !== saved.offsets) delayOffsets.saveSoon();
  return { outcomes, delayOffsets, knownEnd };
}
