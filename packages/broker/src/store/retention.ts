// Owns when old files go: by age at the hours set, by how full the disk is at any hour. Never the file that is written
// to. No reader has a file open when it returns to the event loop, so none is taken from under one.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting';
import type { FileSystem } from './file-system.js';
import type { SegmentFiles } from './segment-files.js';
import type { StoreConfig } from './options.js';

/** Files deleted in one round at most. */
const MOST_DELETED = 10;
const HOUR = 3_600_000;

export interface RetentionOptions {
  config: StoreConfig;
  files: SegmentFiles;
  fileSystem: FileSystem;
  clock: Clock;
  logger: Logger;
  /** Where the log begins now. */
  onTrimmed: (minPhysical: number) => void;
}

export class Retention {
  /** Share of the disk in use; -1 unknown. */
  used = -1;
  /** Whether the disk is too full for more messages. */
  full = false;
  readonly #options: RetentionOptions;
  readonly #hours: ReadonlySet<number>;
  #timer: TimerHandle | undefined;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#hours = new Set(options.config.deleteWhen.split(';').map(Number));
    this.#look();
    this.#arm();
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Looks at the disk and at the age of the files now. */
  run(): void {
    const { config } = this.#options;
    this.#look();
    const forced = this.used > config.diskSpaceCleanForciblyRatio / 100 || this.full;
    if (forced) this.#delete(() => true);
    else if (
      this.used > config.diskMaxUsedSpaceRatio / 100 ||
      this.#hours.has(new Date(this.#options.clock.now()).getHours())
    ) {
      const oldest = this.#options.clock.now() - config.fileReservedTime * HOUR;
      this.#delete((modified) => modified <= oldest);
    }
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      try {
        this.run();
      } catch (error) {
        this.#options.logger.error(`cannot remove old files: ${String(error)}. It is tried again.`);
      }
      this.#arm();
    }, this.#options.config.cleanResourceInterval);
  }

  #look(): void {
    const { fileSystem, config, logger } = this.#options;
    const usage = fileSystem.diskUsage(config.root);
    if (!usage || usage.total <= 0) return;
    this.used = 1 - usage.free / usage.total;
    const full = this.used > config.diskSpaceWarningLevelRatio / 100;
    if (full !== this.full) {
      const percent = Math.round(this.used * 100);
      if (full)
        logger.error(`the disk of ${config.root} is ${percent} % full: messages are refused until there is room`);
      else logger.log(`the disk of ${config.root} is ${percent} % full: messages are taken again`);
    }
    this.full = full;
  }

  #delete(old: (modified: number) => boolean): void {
    const { files, logger, onTrimmed } = this.#options;
    let deleted = 0;
    while (files.starts.length > 1 && deleted < MOST_DELETED) {
      const [start] = files.starts;
      if (!old(files.stat(start)?.modified ?? 0)) break;
      files.remove(start);
      deleted++;
      logger.log(`removed ${files.pathOf(start)}`);
    }
    if (deleted > 0) onTrimmed(files.first);
  }
}
