// Runs the calls of one producer: each waits for its turn in the client's send window, and a shutdown waits for all of
// them.
import { endsWithin, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
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

  /**
   * Without a wait where the message is made at once and there is room: so it is for nearly all.
   * @throws TooManySendsError, and what the functions of `turn` throw
   */
  run<T>(turn: PendingSend<T>): Promise<T> {
    this.#underWay++;
    try {
      const message = turn.prepare();
      if (message instanceof Promise) return this.#wait(message, turn);
      const bytes = bytesOf(message);
      return this.#context.sendWindow.enter(bytes) ? this.#send(message, bytes, turn) : this.#wait(message, turn);
    } catch (error) {
      this.#ended();
      return Promise.reject(error as Error);
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
    const idle = new Promise<void>((resolve) => (this.#whenIdle = resolve));
    await endsWithin(clock, idle, deadline, signal);
    if (this.#underWay === 0) return;
    logger.warn(
      `producer ${this.#group}: ${this.#underWay} sends outlast the shutdown's ${deadline} ms and are given up`,
    );
    sendWindow.abandon(
      this,
      new NotRunningError(`producer ${this.#group}`, 'shut down, and this send had no turn yet'),
    );
  }

  async #wait<T>(made: PreparedMessage | Promise<PreparedMessage>, turn: PendingSend<T>): Promise<T> {
    const { sendWindow } = this.#context;
    let message: PreparedMessage;
    try {
      message = await made;
      if (!sendWindow.enter(bytesOf(message))) await sendWindow.turn(this, bytesOf(message));
    } catch (error) {
      this.#ended();
      throw error;
    }
    return this.#send(message, bytesOf(message), turn);
  }

  #send<T>(message: PreparedMessage, bytes: number, turn: PendingSend<T>): Promise<T> {
    return turn.send(message).then(
      (sent) => {
        this.#leave(bytes, turn.freed?.(sent));
        return sent;
      },
      (error: unknown) => {
        this.#leave(bytes);
        throw error;
      },
    );
  }

  #leave(bytes: number, freed?: Promise<void>): void {
    const { sendWindow } = this.#context;
    if (freed) void freed.finally(() => sendWindow.leave(bytes));
    else sendWindow.leave(bytes);
    this.#ended();
  }

  #ended(): void {
    if (--this.#underWay > 0) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }
}

function bytesOf({ body }: PreparedMessage): number {
  return body.length + MESSAGE_OVERHEAD;
}
