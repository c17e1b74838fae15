// Opens the parts of a store in order, and releases its files.
import { RocketMQError } from '@nest-rocketmq/remoting/internal';
import { Checkpoint } from './lifecycle/checkpoint.js';
import { CommitLog } from './commitlog/commit-log.js';
import { ConsumeQueues } from './consumequeue/consume-queues.js';
import { StoreError, systemCode } from './errors.js';
import type { FileSystem } from './files/file-system.js';
import { LockFile } from './lifecycle/lock-file.js';
import { LogReader } from './commitlog/log-reader.js';
import { MessageIndex } from './index/message-index.js';
import { OpenFiles } from './files/open-files.js';
import { resolveStoreOptions } from './options.js';
import type { StoreConfig } from './options.js';
import { QueueCheckpoint } from './consumequeue/queue-checkpoint.js';
import type { SavedQueues } from './consumequeue/queue-checkpoint.js';
import { largestRecord } from './commitlog/record.js';
import { recover } from './lifecycle/recovery.js';
import { reportRecovery } from './lifecycle/recovery-report.js';
import type { Recovered } from './lifecycle/recovery.js';
import { SegmentFiles } from './files/segment-files.js';
import { TagsCodes } from './consumequeue/tags-code.js';
import { yieldToEventLoop } from './files/yield-to-event-loop.js';
import type { Pause } from './files/yield-to-event-loop.js';
import type { StoreOptions } from './options.js';

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
  checkpoint: Checkpoint;
  queueCheckpoint: QueueCheckpoint;
  /** Undefined with `messageIndexEnable: false`. */
  index: MessageIndex | undefined;
  recovered: Recovered;
  /** Whether the store was not closed cleanly the last time. */
  aborted: boolean;
  /** ms. */
  recoveryTime: number;
  pause: Pause;
  /** @param clean whether all of the log has its entries on the disk */
  release(clean: boolean): Promise<void>;
}

/** @throws StoreLockedError, or StoreError where the files have other sizes than the options say, or cannot be read */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const config = resolveStoreOptions(options);
  const { fileSystem, root, clock } = config;
  const begun = clock.monotonic();
  const lock = await takeLock(fileSystem, root);
  if (lock.wasForeign) config.logger.warn(foreign(root));
  const open = new OpenFiles(fileSystem, config.maxOpenFiles, (from, to) =>
    config.logger.warn(`${from} stood where the store needs a file or folder of its own: it is ${to} now`),
  );
  try {
    const pause = yieldToEventLoop();
    const files = await recoverFiles(config, open, lock.wasAborted, pause);
    const { queues, checkpoint, recovered } = files;
    const log = new CommitLog(files.log, recovered.end, config.tailCacheBytes);
    // What was only in the system's cache when the last process died is now promised again.
    if (lock.wasAborted) await syncFrom(files.log, Math.min(checkpoint.logicsPhysicalOffset, recovered.end));
    const reader = new LogReader(log, config.checkCRCOnRecover, (position, size) =>
      config.logger.error(`the record of ${size} bytes at ${position} of the commit log is damaged: it is not served`),
    );
    const index = await openIndex({ config, log, open, pause });
    const recoveryTime = clock.monotonic() - begun;
    const release = (clean: boolean): Promise<void> => releaseFiles({ config, checkpoint, open, lock, log }, clean);
    const { queueCheckpoint } = files;
    const parts = { config, open, log, queues, reader, checkpoint, queueCheckpoint, index };
    return { ...parts, recovered, aborted: lock.wasAborted, recoveryTime, pause, release };
  } catch (error) {
    // The error that is thrown is the first one: what follows from it is only logged.
    const tell = (second: unknown): void =>
      config.logger.error(`the store ${config.root} could not be released: ${String(second)}`);
    await open.closeAll().catch(tell);
    // A store that was refused for its sizes has not been touched.
    await lock.release(error instanceof StoreError && !lock.wasAborted).catch(tell);
    throw notOpened(root, error);
  }
}

interface RecoveredFiles extends Pick<OpenedStore, 'queues' | 'checkpoint' | 'queueCheckpoint' | 'recovered'> {
  log: SegmentFiles;
}

async function recoverFiles(
  config: StoreConfig,
  open: OpenFiles,
  aborted: boolean,
  pause: Pause,
): Promise<RecoveredFiles> {
  const { fileSystem, root, mappedFileSizeCommitLog, mappedFileSizeConsumeQueue } = config;
  const queues = new ConsumeQueues(open, root, mappedFileSizeConsumeQueue);
  const checkpoint = await new Checkpoint(fileSystem, root).load();
  const queueCheckpoint = new QueueCheckpoint(fileSystem, root);
  const saved = fitting(await queueCheckpoint.load(), config);
  const log = new SegmentFiles(open, `${root}/commitlog`, mappedFileSizeCommitLog, LOG_FOLDERS);
  await log.load(aborted || saved !== undefined);
  refuseMisfits(log);
  const damaged = await queues.load(saved, aborted, log.first);
  const recovered = await recover({
    log,
    queues,
    checkpoint,
    saved,
    damaged,
    aborted,
    pause,
    tagsCodes: new TagsCodes(config.messageDelayLevel),
    checkCrc: config.checkCRCOnRecover,
    largestRecord: largestRecord(config.maxMessageSize),
  });
  reportRecovery(config, recovered);
  return { log, queues, checkpoint, queueCheckpoint, recovered };
}

/** @throws StoreLockedError, or StoreError where the folder cannot be read or written */
async function takeLock(fileSystem: FileSystem, root: string): Promise<LockFile> {
  try {
    await fileSystem.makeDirectory(root);
    return await LockFile.take({ fileSystem, root });
  } catch (error) {
    if (!UNWRITABLE.has(systemCode(error) ?? '')) throw notOpened(root, error);
    const remedy = 'Give this user the right to write there, or choose another folder.';
    throw new StoreError('STORE_UNWRITABLE', `the store ${root} cannot be written: ${String(error)}. ${remedy}`, {
      cause: error,
    });
  }
}

/** What a system says of a failed call names neither the store nor a remedy. */
function notOpened(root: string, error: unknown): unknown {
  if (error instanceof RocketMQError || systemCode(error) === undefined) return error;
  const remedy = 'Check the disk, and what stands in that folder; or choose another folder.';
  return new StoreError('STORE_OPEN_FAILED', `the store ${root} cannot be opened: ${String(error)}. ${remedy}`, {
    cause: error,
  });
}

function foreign(root: string): string {
  return (
    `the store ${root} was left open on another host or in another container, or before this machine was started. It is ` +
    'taken over, as nobody can tell from here whether that process lives: never let two have one folder.'
  );
}

interface Acquired {
  config: StoreConfig;
  checkpoint: Checkpoint;
  open: OpenFiles;
  lock: LockFile;
  log: CommitLog;
}

async function releaseFiles({ config, checkpoint, open, lock, log }: Acquired, clean: boolean): Promise<void> {
  let marked = false;
  try {
    checkpoint.cleanEnd = log.written;
    if (clean) await checkpoint.save();
    marked = clean;
  } catch (error) {
    config.logger.error(cannotMark(config.root, error));
  }
  await open.closeAll();
  try {
    await lock.release(marked);
  } catch (error) {
    config.logger.error(cannotMark(config.root, error));
  }
}

function cannotMark(root: string, error: unknown): string {
  return `cannot write the clean-shutdown marker of ${root}: ${String(error)}. Nothing is lost; the next start scans the end of the log.`;
}

async function syncFrom(files: SegmentFiles, position: number): Promise<void> {
  for (const start of files.starts) if (start + files.fileSize > position) await files.sync(start);
}

async function openIndex(
  parts: Pick<OpenedStore, 'config' | 'log' | 'open' | 'pause'>,
): Promise<MessageIndex | undefined> {
  const { config, log, open, pause } = parts;
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
    pause,
    largestRecord: largestRecord(maxMessageSize),
  });
}

function refuseMisfits(files: SegmentFiles): void {
  const [misfit] = files.misfits;
  if (misfit === undefined) return;
  throw new StoreError(
    'STORE_LAYOUT',
    `expected ${files.directory}/${misfit} to have a size of ${files.fileSize} bytes. Set mappedFileSizeCommitLog to what the ` +
      'store was written with, or take the file out of the folder.',
  );
}

/** Of a store with files of other sizes it says nothing: what the options say is wrong then. */
function fitting(saved: SavedQueues | undefined, config: StoreConfig): SavedQueues | undefined {
  const fits =
    saved?.logFileSize === config.mappedFileSizeCommitLog && saved.queueFileSize === config.mappedFileSizeConsumeQueue;
  return fits ? saved : undefined;
}
