// Owns the order in which a store is opened and its files are given back.
import { Checkpoint } from './checkpoint.js';
import { CommitLog } from './commit-log.js';
import { ConsumeQueues } from './consume-queues.js';
import { StoreError, systemCode } from './errors.js';
import type { FileSystem } from './file-system.js';
import { LockFile } from './lock-file.js';
import { LogReader } from './log-reader.js';
import { MessageIndex } from './message-index.js';
import { OpenFiles } from './open-files.js';
import { resolveStoreOptions } from './options.js';
import type { StoreConfig } from './options.js';
import { RECORD_OVERHEAD } from './record.js';
import { recover } from './recovery.js';
import type { Recovered } from './recovery.js';
import { SegmentFiles } from './segment-files.js';
import { TagsCodes } from './tags-code.js';
import { timeSlices } from './time-slices.js';
import type { Pause } from './time-slices.js';
import type { StoreOptions } from './types.js';
import { WarmUp } from './warm-up.js';

/** The root and commitlog may both be new. */
const LOG_FOLDERS = 2;
/** What a system says of a folder that will not take files however often one tries. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST']);

export interface OpenedStore {
  config: StoreConfig;
  open: OpenFiles;
  log: CommitLog;
  queues: ConsumeQueues;
  reader: LogReader;
  /** Of the log. */
  warmUp: WarmUp;
  checkpoint: Checkpoint;
  /** Undefined with `messageIndexEnable: false`. */
  index: MessageIndex | undefined;
  recovered: Recovered;
  /** ms. */
  recoveryTime: number;
  pause: Pause;
  /** @param clean whether all of the log has its entries on the disk */
  release(clean: boolean): Promise<void>;
}

/** @throws StoreLockedError, or StoreError where the files have other sizes than the options say */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const config = resolveStoreOptions(options);
  const { fileSystem, root, clock } = config;
  const begun = clock.monotonic();
  const lock = await takeLock(fileSystem, root);
  const open = new OpenFiles(fileSystem, config.maxOpenFiles);
  try {
    const pause = timeSlices();
    const files = new SegmentFiles(open, `${root}/commitlog`, config.mappedFileSizeCommitLog, LOG_FOLDERS);
    await files.load(lock.wasAborted);
    refuseMisfits(files);
    const queues = new ConsumeQueues(open, root, config.mappedFileSizeConsumeQueue);
    const checkpoint = await new Checkpoint(fileSystem, root).load();
    await queues.load(lock.wasAborted ? checkpoint.logicsPhysicalOffset : undefined);
    const recovered = await recover({
      log: files,
      queues,
      checkpoint,
      tagsCodes: new TagsCodes(config.messageDelayLevel),
      aborted: lock.wasAborted,
      checkCrc: config.checkCRCOnRecover,
      largestRecord: config.maxMessageSize + RECORD_OVERHEAD,
      pause,
    });
    report(config, recovered);
    const log = new CommitLog(files, recovered.end, config.tailCacheBytes);
    // What was only in the system's cache when the last process died is now promised again.
    if (lock.wasAborted) await syncFrom(files, Math.min(checkpoint.logicsPhysicalOffset, recovered.end));
    const reader = new LogReader(log, config.checkCRCOnRecover, (position, size) =>
      config.logger.error(`the record of ${size} bytes at ${position} of the commit log is damaged: it is not served`),
    );
    const warmUp = new WarmUp(files, () => log.hotFrom, { cache: reader.cache, stableTo: () => log.committed });
    const index = await openIndex({ config, log, open, warmUp, pause });
    const recoveryTime = clock.monotonic() - begun;
    const release = (clean: boolean): Promise<void> => giveBack({ config, checkpoint, open, lock, log, queues }, clean);
    return { config, open, log, queues, reader, warmUp, checkpoint, index, recovered, recoveryTime, pause, release };
  } catch (error) {
    open.closeAll();
    // A store that was refused for its sizes has not been touched.
    await lock.release(error instanceof StoreError && !lock.wasAborted);
    throw error;
  }
}

/** @throws StoreLockedError, or StoreError where the folder cannot be written */
async function takeLock(fileSystem: FileSystem, root: string): Promise<LockFile> {
  try {
    await fileSystem.aside.makeDirectory(root);
    return await LockFile.take({ fileSystem, root });
  } catch (error) {
    if (!UNWRITABLE.has(systemCode(error) ?? '')) throw error;
    const remedy = 'Give this user the right to write there, or choose another folder.';
    throw new StoreError('STORE_UNWRITABLE', `the store ${root} cannot be written: ${String(error)}. ${remedy}`, {
      cause: error,
    });
  }
}

interface Held {
  config: StoreConfig;
  checkpoint: Checkpoint;
  open: OpenFiles;
  lock: LockFile;
  log: CommitLog;
  queues: ConsumeQueues;
}

async function giveBack({ config, checkpoint, open, lock, log, queues }: Held, clean: boolean): Promise<void> {
  let noted = false;
  try {
    Object.assign(checkpoint, queues.census(), { cleanEnd: log.written });
    if (clean) await checkpoint.save();
    noted = clean;
  } catch (error) {
    config.logger.error(unnoted(config.root, error));
  }
  open.closeAll();
  try {
    await lock.release(noted);
  } catch (error) {
    config.logger.error(unnoted(config.root, error));
  }
}

function unnoted(root: string, error: unknown): string {
  return `cannot note the clean stop of ${root}: ${String(error)}. Nothing is lost; the next start scans the end of the log.`;
}

async function syncFrom(files: SegmentFiles, position: number): Promise<void> {
  for (const start of files.starts) if (start + files.fileSize > position) await files.sync(start);
}

async function openIndex(
  parts: Pick<OpenedStore, 'config' | 'log' | 'open' | 'warmUp' | 'pause'>,
): Promise<MessageIndex | undefined> {
  const { config, log, open, warmUp, pause } = parts;
  if (!config.messageIndexEnable) return undefined;
  const { root, clock, logger, maxHashSlotNum, maxIndexNum, maxMessageSize } = config;
  const layout = { maxHashSlotNum, maxIndexNum };
  return MessageIndex.open({
    log,
    open,
    root,
    layout,
    clock,
    logger,
    warmUp,
    pause,
    largestRecord: maxMessageSize + RECORD_OVERHEAD,
  });
}

function refuseMisfits(files: SegmentFiles): void {
  const [misfit] = files.misfits;
  if (misfit === undefined) return;
  throw new StoreError(
    'STORE_LAYOUT',
    `${files.directory}/${misfit} has not the size of ${files.fileSize} bytes. Set mappedFileSizeCommitLog to what the ` +
      'store was written with, or take the file out of the folder.',
  );
}

function report({ logger, root }: StoreConfig, { corrupt, rebuilt, misplaced, records, end }: Recovered): void {
  for (const { from, to } of corrupt) {
    logger.error(
      `the bytes ${from} to ${to} of the commit log in ${root} are damaged: their messages are lost, all others are served`,
    );
  }
  if (misplaced > 0)
    logger.error(`${misplaced} records of the commit log in ${root} have a place in their queue that is taken`);
  if (rebuilt && end > 0) logger.warn(`the consume queues in ${root} were built anew from ${records} records`);
}
