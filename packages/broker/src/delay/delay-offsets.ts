// Keeps how far delayed messages have been delivered (delayOffset.json), and from which position of the log on a start
// after a kill has to look for deliveries that were not saved.
import { objectOf } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { usableEntries, wholeNumber } from '../metadata/config-entries.js';
import type { ConfigFile } from '../metadata/config-file.js';
import { DebouncedSave } from '../metadata/debounced-save.js';
import type { MessageStore } from '../store/store.js';
import { readTimerNote } from '../timer/timer-note.js';
import type { TimerNote } from '../timer/timer-note.js';

/** The file is saved after so many bytes of log even if nothing was delivered: a start has to read them. Bytes. */
const MOST_UNSAVED = 1024 * 1024;
/** Bytes after which it is saved without waiting for the interval. */
const MOST_WAITING = 64 * 1024 * 1024;

/** The content of delayOffset.json. */
export interface SavedDelayOffsets {
  /** Level to the next entry of its queue. */
  offsets: ReadonlyMap<number, number>;
  /** Ours, undefined where Apache saved the file: `offsets` count what was stored before this position of the log. */
  logOffset: number | undefined;
  /** How far messages with a time of their own were delivered. Ours; undefined where Apache has saved it. */
  timers: TimerNote | undefined;
  /** Whether Apache's timercheck tells that instead. */
  timersByApache: boolean;
  /** Whether no level was left out. */
  whole: boolean;
}

export function readDelayOffsets(saved: unknown, logger: Logger): SavedDelayOffsets {
  const { offsetTable, logOffset, timers } = objectOf(saved);
  const decode = (level: string, offset: unknown): number | undefined =>
    wholeNumber(level) === undefined ? undefined : wholeNumber(offset);
  const { usable, leftOut } = usableEntries('levels of delayOffset.json', offsetTable, decode, logger);
  return {
    offsets: new Map(usable.map(([level, offset]) => [Number(level), offset])),
    logOffset: wholeNumber(logOffset),
    timers: readTimerNote(timers),
    timersByApache: false,
    whole: saved !== undefined && leftOut === 0,
  };
}

export interface DelayOffsetsOptions {
  file: ConfigFile;
  offsets: ReadonlyMap<number, number>;
  /** As it was found at the start; `timers` tells it later. */
  foundTimers?: TimerNote | undefined;
  store: MessageStore;
  clock: Clock;
  logger: Logger;
  /** Time after which a changed offset is on disk, ms. */
  flushDelayOffsetInterval: number;
}

export class DelayOffsets {
  /** How far messages with a time of their own are delivered. */
  timers: () => TimerNote | undefined;
  readonly #options: DelayOffsetsOptions;
  readonly #offsets: Map<number, number>;
  /** Positions of the log from which on something is stored and not yet counted. */
  readonly #held = new Set<{ from: number }>();
  readonly #save: DebouncedSave;
  #counter = 0;
  #savedUpTo: number;

  constructor(options: DelayOffsetsOptions) {
    const { file, clock, logger, store, flushDelayOffsetInterval: interval } = options;
    this.#options = options;
    this.timers = () => options.foundTimers;
    this.#offsets = new Map(options.offsets);
    this.#savedUpTo = store.history.end;
    const content = (): object => this.#json();
    this.#save = new DebouncedSave({ file, clock, logger, interval, content, flush: () => store.flush() });
    store.onCommitted((upTo) => this.#logGrew(upTo));
  }

  get(level: number): number {
    return this.#offsets.get(level) ?? 0;
  }

  set(level: number, offset: number): void {
    if (this.get(level) === offset) return;
    this.#offsets.set(level, offset);
    this.#save.changed();
  }

  /**
   * Makes a start after a kill read the log from here on. The returned function ends that: call it when what is stored
   * next is counted.
   */
  hold(): () => void {
    const held = { from: this.#options.store.metrics.committedOffset };
    this.#held.add(held);
    return () => void this.#held.delete(held);
  }

  /** Has it saved: messages with a time of their own were delivered. */
  timersChanged(): void {
    this.#save.changed();
  }

  /** Saves what there is now, in the background. */
  saveSoon(): void {
    this.#save.soon();
  }

  /** Saves for the last time. A start reads the log from there on. */
  stop(): Promise<void> {
    this.#save.changed();
    return this.#save.stop();
  }

  #logGrew(upTo: number): void {
    const grown = upTo - this.#savedUpTo;
    if (grown < MOST_UNSAVED) return;
    if (grown < MOST_WAITING) this.#save.changed();
    else {
      this.#savedUpTo = upTo;
      this.#save.soon();
    }
  }

  #json(): object {
    const { clock, store } = this.#options;
    const logOffset = Math.min(store.metrics.committedOffset, ...[...this.#held].map(({ from }) => from));
    this.#savedUpTo = logOffset;
    const dataVersion = { counter: ++this.#counter, stateVersion: 0, timestamp: clock.now() };
    const used = [...this.#offsets].filter(([, offset]) => offset > 0);
    return { dataVersion, offsetTable: Object.fromEntries(used), logOffset, timers: this.timers() };
  }
}
