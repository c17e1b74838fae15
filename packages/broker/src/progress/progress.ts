// Loads how far delayed messages and halves were dealt with, and completes it from the log.
import { DelayOffsets, readDelayOffsets } from '../delay/delay-offsets.js';
import type { SavedDelayOffsets } from '../delay/delay-offsets.js';
import { readTimerCheck } from '../timer/apache-timer-files.js';
import type { TimerCheck } from '../timer/apache-timer-files.js';
import { levelsInUse } from '../delay/level-timer.js';
import type { DelayLevels } from '../message/schedule-message.js';
import type { Environment } from '../environment.js';
import { findOutcomes } from './outcomes.js';
import type { Outcomes } from './outcomes.js';
import type { MessageStore } from '../store/store.js';
import { loadTimers } from '../timer/load-timers.js';
import type { LoadedTimers } from '../timer/load-timers.js';
import { NONE_DELIVERED } from '../timer/pending-timers.js';
import type { PendingTimers } from '../timer/pending-timers.js';

export interface Progress {
  outcomes: Outcomes;
  delayOffsets: DelayOffsets;
  timers: LoadedTimers;
  /** What timercheck says; undefined without. */
  checkText: string | undefined;
}

export async function openProgress(
  { config, openConfig, fileSystem, root }: Environment,
  store: MessageStore,
  levels: DelayLevels,
  pending: PendingTimers,
): Promise<Progress> {
  const { clock, logger } = config;
  const delayFile = await openConfig('delayOffset.json', 'offsetTable');
  const check = await readTimerCheck(fileSystem, root);
  const saved = withApache(readDelayOffsets(delayFile.saved, logger), check);
  const now = clock.now();
  const outcomes = await findOutcomes({ store, saved, levels: levelsInUse(store, levels.max), now, logger });
  const { lastTimer } = outcomes;
  const first = saved.timers?.first ?? 0;
  const apache = saved.timersByApache ? check : undefined;
  const timers = await loadTimers({ store, pending, delivered: lastTimer ?? NONE_DELIVERED, first, apache, logger });
  const foundTimers = saved.timers && lastTimer && { ...saved.timers, ...lastTimer };
  const delayOffsets = new DelayOffsets({ ...config, ...delayFile, store, offsets: outcomes.delivered, foundTimers });
  // Saved, so that the next start need not read the log again.
  if (outcomes.delivered !== saved.offsets) delayOffsets.saveSoon();
  return { outcomes, delayOffsets, timers, checkText: check?.text };
}

/** Where Apache's broker has had the store since, its own file says how far messages with a time were delivered. */
function withApache(saved: SavedDelayOffsets, check: TimerCheck | undefined): SavedDelayOffsets {
  if (!check || check.isOurs || saved.timers?.check === check.text) return saved;
  return { ...saved, timers: undefined, timersByApache: true };
}
