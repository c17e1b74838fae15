// Lists, shows and replays the dead letters of a group, with their payloads decoded.
import type {
  DeadLetter as ClientDeadLetter,
  DeadLetters,
  ListDeadLettersOptions,
  Replay,
  ReplayDeadLettersOptions,
} from '@nest-rocketmq/client';
import type { MessageConverter } from '../message/message-converter.js';
import type { RocketMQConnection } from '../rocketmq-connection.js';

/** A message that a group has given up. */
export interface DeadLetter extends ClientDeadLetter {
  /** The decoded JSON; the text of a body that is not JSON. */
  readonly payload: unknown;
}

/** The dead letters of one group: `RocketMQAdmin.deadLetters(group)`. `for await` lists them. */
export class GroupDeadLetters implements AsyncIterable<DeadLetter> {
  /** @internal */
  constructor(
    private readonly connection: RocketMQConnection,
    private readonly converter: MessageConverter,
    /** The group that has failed to consume them. */
    readonly group: string,
  ) {}

  [Symbol.asyncIterator](): AsyncIterator<DeadLetter> {
    return this.list()[Symbol.asyncIterator]();
  }

  /**
   * Lists those that are there when it is called, page by page, the oldest of each queue first.
   * @throws InvalidOptionError
   */
  async *list(options: ListDeadLettersOptions = {}): AsyncGenerator<DeadLetter, void> {
    for await (const letter of (await this.#letters()).list(options)) yield this.#decoded(letter);
  }

  /** One of them. @param id its `id` @throws ResponseError when there is none */
  async get(id: string): Promise<DeadLetter> {
    return this.#decoded(await (await this.#letters()).get(id));
  }

  /**
   * Has the group get dead letters again, as for the first time. They stay where they are, too.
   * @param which one, several, their ids, or a function that says whether one is to be replayed
   * @throws SendFailedError, ResponseError; those before it are replayed then
   */
  async replay(
    which:
      | DeadLetter
      | string
      | readonly (DeadLetter | string)[]
      | ((letter: DeadLetter) => boolean | Promise<boolean>),
    options: ReplayDeadLettersOptions = {},
  ): Promise<Replay> {
    const letters = await this.#letters();
    if (typeof which === 'function') return letters.replay((letter) => which(this.#decoded(letter)), options);
    return letters.replay(which, options);
  }

  /**
   * Undoes a replay: listeners of this package skip those of its messages that they have not consumed yet. Java's consumers
   * know nothing of it.
   * @throws NameServerUnreachableError
   */
  async skip(replayId: string): Promise<void> {
    await (await this.#letters()).skip(replayId);
  }

  async #letters(): Promise<DeadLetters> {
    return (await this.connection.client()).admin.deadLetters(this.group);
  }

  #decoded(letter: ClientDeadLetter): DeadLetter {
    return { ...letter, payload: this.#payload(letter) };
  }

  #payload({ message }: ClientDeadLetter): unknown {
    try {
      return this.converter.decode(message, 'json');
    } catch {
      return message.body.toString('utf8');
    }
  }
}
