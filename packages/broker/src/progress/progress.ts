// Loads how far delayed messages and halves were dealt with, and completes it from the log.
import { DelayOffsets, readDelayOffsets } from '../delay/delay-offsets.js';
import type { DelayLevels } from '../message/schedule-message.js';
import type { Environment } from '../environment.js';
import { findOutcomes } from './outcomes.js';
import type { Outcomes } from './outcomes.js';
import type { MessageStore } from '../store/store.js';

export interface Progress {
  outcomes: Outcomes;
  delayOffsets: DelayOffsets;
}

export async function openProgress(
  { config, openConfig }: Environment,
  store: MessageStore,
  levels: DelayLevels,
): Promise<Progress> {
  const { clock, logger } = config;
  const delayFile = await openConfig('delayOffset.json', 'offsetTable');
  const saved = readDelayOffsets(delayFile.saved, logger);
  const outcomes = await findOutcomes({ store, saved, levels: levels.max, now: clock.now(), logger });
  const delayOffsets = new DelayOffsets({ ...config, ...delayFile, store, offsets: outcomes.delivered });
  // Saved, so that the next start need not read the log again.
  if (outcomes.delivered !== saved.offsets) delayOffsets.saveSoon();
  return { outcomes, delayOffsets };
}
