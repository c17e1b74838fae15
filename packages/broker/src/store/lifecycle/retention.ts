// Removes old files of the commit log: by age at the hours set, by how full the disk is at any hour. Never the file that is
// written to.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { DiskUsage, FileSystem } from '../files/file-system.js';
import type { SegmentFiles } from '../files/segment-files.js';
import type { StoreConfig } from '../options.js';

/** Files deleted in one round at most. */
const MOST_DELETED = 10;
const HOUR = 3_600_000;

export interface RetentionOptions {
  config: StoreConfig;
  files: SegmentFiles;
  fileSystem: FileSystem;
  clock: Clock;
  logger: Logger;
  /** Called before the log begins at `minPhysical`. */
  onTrim: (minPhysical: number) => Promise<void>;
  /** Where the log begins now: what leads only to what has gone may go, too. */
  onTrimmed: (minPhysical: number) => Promise<void>;
}

export class Retention {
  /** Share of the disk in use; -1 unknown. */
  used = -1;
  /** Bytes; undefined: unknown. */
  usage: DiskUsage | undefined;
  /** Whether the disk is too full for more messages. */
  full = false;
  /** No file is removed that has this position of the log, or one behind it. */
  neededFrom: () => number;
  readonly #options: RetentionOptions;
  readonly #hours: ReadonlySet<number>;
  #timer: TimerHandle | undefined;
  /** The log has told that the system does not say how full the disk is. */
  #blind = false;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.neededFrom = options.config.neededFrom;
    this.#hours = new Set(options.config.deleteWhen.split(';').map(Number));
  }

  /** Looks at the disk now, and then from time to time. */
  async start(): Promise<void> {
    await this.#look();
    this.#arm();
  }

  /** Resolves when nothing is being deleted any more. */
  async stop(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
  }

  /** Removes the files that are older than `fileReservedTime` now, whatever the hour. @throws what the disk throws */
  async deleteExpired(): Promise<void> {
    await this.#alone(() => this.#deleteExpired());
  }

  /** Removes what is left of the queues of messages that have gone. @throws what the disk throws */
  async cleanQueues(): Promise<void> {
    const { files, onTrim, onTrimmed } = this.#options;
    await this.#alone(async () => {
      await onTrim(files.first);
      await onTrimmed(files.first);
    });
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      // Where something is being removed already, the next look is soon enough.
      if (!this.#running) void this.#alone(() => this.#run());
      this.#arm();
    }, this.#pause);
  }

  /** Runs one removal behind the other. */
  #alone(remove: () => Promise<void>): Promise<void> {
    const running = (this.#running ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => (this.#stopped ? undefined : remove()))
      .finally(() => {
        if (this.#running === running) this.#running = undefined;
      });
    this.#running = running;
    return running;
  }

  /** Until the next look, ms. Where nobody tells how full the disk is, only the hour can make a file go. */
  get #pause(): number {
    const { config, clock, files } = this.#options;
    const now = new Date(clock.now());
    const mayGo = files.starts.length > 1 && this.#hours.has(now.getHours());
    if (this.usage || mayGo) return config.cleanResourceInterval;
    const nextHour = new Date(now).setHours(now.getHours() + 1, 0, 0, 0);
    return Math.max(config.cleanResourceInterval, nextHour - now.getTime());
  }

  /** Looks at the disk and at the age of the files. Never rejects. */
  async #run(): Promise<void> {
    const { config, clock, logger } = this.#options;
    try {
      await this.#look();
      const forced = this.used > config.diskSpaceCleanForciblyRatio / 100 || this.full;
      const due = this.used > config.diskMaxUsedSpaceRatio / 100 || this.#hours.has(new Date(clock.now()).getHours());
      if (forced) await this.#delete(() => true);
      else if (due) await this.#deleteExpired();
    } catch (error) {
      logger.error(`cannot remove old files: ${String(error)}. It is tried again.`);
    }
  }

  #deleteExpired(): Promise<void> {
    const { config, clock } = this.#options;
    const oldest = clock.now() - config.fileReservedTime * HOUR;
    return this.#delete((modified) => modified <= oldest);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { config, logger } = this.#options;
    const usage = await this.#diskUsage();
    const known = usage !== undefined && usage.total > 0;
    this.usage = known ? usage : undefined;
    this.used = known ? 1 - usage.free / usage.total : -1;
    // A full disk of which nothing is known refuses the writes themselves.
    const full = this.used > config.diskSpaceWarningLevelRatio / 100;
    if (full !== this.full) {
      const state = known ? `is ${Math.round(this.used * 100)} % full` : 'does not tell how full it is';
      if (full) logger.error(`the disk of ${config.root} ${state}: messages are refused until there is room`);
      else logger.log(`the disk of ${config.root} ${state}: messages are taken again`);
    }
    this.full = full;
  }

  /** Undefined where the system does not tell. Files must go by their age all the same. */
  async #diskUsage(): Promise<DiskUsage | undefined> {
    const { fileSystem, config, logger } = this.#options;
    try {
      const usage = await fileSystem.diskUsage(config.root);
      this.#blind = false;
      return usage;
    } catch (error) {
      const message = `cannot tell how full the disk of ${config.root} is: ${String(error)}`;
      if (!this.#blind) logger.warn(`${message}. Messages are taken, and files go by their age alone. Watch the disk.`);
      this.#blind = true;
      return undefined;
    }
  }

  async #delete(old: (modified: number) => boolean): Promise<void> {
    const { files, logger, onTrim, onTrimmed } = this.#options;
    const gone: number[] = [];
    const needed = this.neededFrom();
    for (const start of files.starts.slice(0, Math.min(MOST_DELETED, files.starts.length - 1))) {
      const isNeeded = start + files.fileSize > needed;
      if (isNeeded || !old((await files.stat(start))?.modified ?? 0)) break;
      gone.push(start);
    }
    const last = gone.at(-1);
    if (last === undefined) return;
    // First: an entry whose message has gone would be taken for a damaged one.
    await onTrim(last + files.fileSize);
    for (const start of gone) {
      if (this.#stopped) return;
      await files.remove(start);
      logger.log(`removed ${files.pathOf(start)}`);
    }
    await onTrimmed(files.first);
  }
}
