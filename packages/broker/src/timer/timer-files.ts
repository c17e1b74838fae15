// Prepares a store that is closed for Apache's broker, so that this one delivers what waits in it.
import { TIMER_TOPIC } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { dueOfTagsCode } from '../store/consumequeue/timer-due.js';
import type { FileSystem } from '../store/files/file-system.js';
import type { MessageStore } from '../store/store.js';
import { removeTimerFiles, timerCheck, writeTimerFiles } from './apache-timer-files.js';
import { slotOf } from './find-waiting.js';
import type { PendingTimers, Timer } from './pending-timers.js';

const QUEUE = 0;
const SECOND = 1_000;

export interface TimerFilesOptions {
  fileSystem: FileSystem;
  /** The folder of the store; undefined: it will not be opened again. */
  root: string | undefined;
  store: MessageStore;
  pending: PendingTimers;
  clock: Clock;
  logger: Logger;
  /** Bytes of a file of timerlog. */
  mappedFileSizeTimerLog: number;
}

type Check = ReturnType<typeof timerCheck>;

export class TimerFiles {
  #check: Check | undefined;

  /** @param found timercheck as it was at the start */
  constructor(
    private readonly options: TimerFilesOptions,
    found: string | undefined,
  ) {
    this.checkText = found;
  }

  /** What timercheck says, or is about to say; a start by which it says something else comes after Apache's broker. */
  checkText: string | undefined;

  /** Removes what is out of date. From here on nothing may come that waits. Never rejects. */
  async begin(): Promise<void> {
    const { fileSystem, root, store, pending, clock } = this.options;
    const end = store.maxOffset(TIMER_TOPIC, QUEUE);
    if (root === undefined || end === 0) return;
    const now = clock.now();
    const firstSlot = Math.min(Math.floor(now / SECOND), slotOf(pending.nextDue ?? now));
    await this.#try(async () => {
      await removeTimerFiles(fileSystem, root);
      this.#check = timerCheck(firstSlot * SECOND, end, now);
      this.checkText = this.#check.text;
    });
  }

  /** Writes what waits. Never rejects. */
  async write(): Promise<void> {
    const { fileSystem, root, pending, clock, mappedFileSizeTimerLog } = this.options;
    const check = this.#check;
    if (!check || root === undefined) return;
    await this.#try(async () => {
      const last = await this.#lastTimer();
      if (!last) return;
      const isLastWaiting = last.due > 0 && pending.isWaiting(last);
      const { lastReadTime } = check;
      const content = { waiting: pending.all(), last, isLastWaiting, lastReadTime, now: clock.now() };
      await writeTimerFiles(fileSystem, root, mappedFileSizeTimerLog, content, check);
    });
  }

  /** The last message of the timer topic; due 0 where it recalls another. */
  async #lastTimer(): Promise<Timer | undefined> {
    const { store, pending } = this.options;
    const entry = await store.readConsumeQueue(TIMER_TOPIC, QUEUE, store.maxOffset(TIMER_TOPIC, QUEUE) - 1);
    if (!entry) return undefined;
    const { physicalOffset: position, size, tagsCode } = entry;
    const code = dueOfTagsCode(tagsCode);
    if (code) return { due: code.recalls ? 0 : code.due, position, size };
    for (const timer of pending.all()) if (timer.position === position) return { ...timer };
    return { due: 0, position, size };
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.options.logger.warn(
        `timerlog and timercheck cannot be written: ${String(error)}. Nothing is lost; an Apache broker that opens this ` +
          'store next would deliver messages with a time of their own again.',
      );
    }
  }
}
