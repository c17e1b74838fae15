// Makes the parts of an open store that work while it runs, and connects them.
import { Appender } from './write/appender.js';
import { Checkpointer } from './lifecycle/checkpointer.js';
import { EntryRepair } from './read/entry-repair.js';
import { CommitPipeline } from './write/pipeline.js';
import { Retention } from './lifecycle/retention.js';
import type { OpenedStore } from './open-store.js';

export interface StoreParts {
  repair: EntryRepair;
  pipeline: CommitPipeline;
  appender: Appender;
  checkpointer: Checkpointer;
  retention: Retention;
}

export interface StoreState {
  /** Why nothing is taken now; undefined while it is. */
  refusal: () => string | undefined;
  isClosing: () => boolean;
}

export function makeParts(opened: OpenedStore, { refusal, isClosing }: StoreState): StoreParts {
  const { config, log, queues, index, recovered } = opened;
  const { lastStoreTimestamp } = recovered;
  const pipeline: CommitPipeline = new CommitPipeline({
    ...config,
    log,
    flushInterval: config.flushIntervalCommitLog,
    afterCommit: () => {
      index?.arm();
      checkpointer.arm();
    },
  });
  const appender = new Appender({ config, log, queues, pipeline, lastStoreTimestamp, refusal });
  const checkpointer = new Checkpointer({
    ...opened,
    ...config,
    flusher: pipeline.flusher,
    lost: recovered.lost,
    interval: config.checkpointInterval,
    lastStoreTimestamp: () => appender.lastStoreTimestamp,
    flushIndex: async () => (await index?.flush(isClosing())) ?? 0,
  });
  return {
    repair: new EntryRepair(log, config),
    pipeline,
    appender,
    checkpointer,
    retention: makeRetention(opened, checkpointer),
  };
}

function makeRetention({ config, log, queues, reader, index }: OpenedStore, checkpointer: Checkpointer): Retention {
  return new Retention({
    ...config,
    config,
    files: log.files,
    onTrim: async (minPhysical) => {
      await queues.trim(minPhysical);
      await checkpointer.keepFrom(minPhysical);
    },
    onTrimmed: async (minPhysical) => {
      await queues.removeGone();
      reader.forgetBelow(minPhysical);
      await index?.trim(minPhysical);
    },
  });
}
