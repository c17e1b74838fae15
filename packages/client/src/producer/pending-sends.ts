// Runs the calls of one producer: each waits for its turn in the client's send window, and a shutdown waits for all of
// them.
import { NotRunningError, sleep } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import type { PreparedMessage } from './outgoing.js';

/** Roughly what a message takes besides its body. bytes */
const MESSAGE_OVERHEAD = 512;

export interface PendingSend<T> {
  /** Makes the message, at once, so that an error of the caller comes before any waiting. */
  prepare: () => PreparedMessage | Promise<PreparedMessage>;
  /** Sends it. Called when there is room: the time of a send begins here. */
  send: (message: PreparedMessage) => Promise<T>;
  /** Resolves when the next one may take its place; default: when `send` has ended. */
  freed?: (sent: T) => Promise<void>;
}

export class PendingSends {
  readonly #group: string;
  readonly #context: ClientContext;
  #underWay = 0;
  #whenIdle: (() => void) | undefined;

  constructor(group: string, context: ClientContext) {
    this.#group = group;
    this.#context = context;
  }

  /** @throws TooManySendsError, and what the functions of `turn` throw */
  async run<T>(turn: PendingSend<T>): Promise<T> {
    this.#underWay++;
    try {
      const made = turn.prepare();
      const message = made instanceof Promise ? await made : made;
      return await this.#send(message, turn);
    } finally {
      this.#ended();
    }
  }

  /** Counts other work as under way. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#ended();
    }
  }

  /** Waits for what is under way. Sends that still wait after `deadline` ms are rejected. */
  async drain(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.#underWay === 0) return;
    const { clock, logger, sendWindow } = this.#context;
    const ended = new AbortController();
    const idle = new Promise<void>((resolve) => (this.#whenIdle = resolve)).finally(() => ended.abort());
    const over = signal ? AbortSignal.any([ended.signal, signal]) : ended.signal;
    await Promise.race([idle, sleep(clock, deadline, over)]);
    if (this.#underWay === 0) return;
    logger.warn(
      `producer ${this.#group}: ${this.#underWay} sends outlast the shutdown's ${deadline} ms and are given up`,
    );
    sendWindow.abandon(
      this,
      new NotRunningError(`producer ${this.#group}`, 'shut down, and this send had no turn yet'),
    );
  }

  async #send<T>(message: PreparedMessage, turn: PendingSend<T>): Promise<T> {
    const { sendWindow } = this.#context;
    const bytes = message.body.length + MESSAGE_OVERHEAD;
    if (!sendWindow.enter(bytes)) await sendWindow.turn(this, bytes);
    let freed: Promise<void> | undefined;
    try {
      const sent = await turn.send(message);
      freed = turn.freed?.(sent);
      return sent;
    } finally {
      if (freed) void freed.finally(() => sendWindow.leave(bytes));
      else sendWindow.leave(bytes);
    }
  }

  #ended(): void {
    if (--this.#underWay > 0) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }
}
