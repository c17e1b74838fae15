// Warns when another process is a member of the group under our client id: both take the same queues then.
import { printable } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';

/**
 * A broker lists a client that has come back over a new connection twice, until it misses the heartbeats on the old one:
 * Apache's after 120 s. ms
 */
const LISTED_TWICE_FOR_MS = 130_000;

export class ClientIdCheck {
  readonly #context: Pick<ClientContext, 'clientId' | 'clock' | 'logger'>;
  /** Monotonic, ms; undefined: we are listed once. */
  #since: number | undefined;
  #warned = false;

  constructor(context: Pick<ClientContext, 'clientId' | 'clock' | 'logger'>) {
    this.#context = context;
  }

  /** Called when a broker has listed the members. */
  look(group: string, clientIds: readonly string[]): void {
    const { clientId, clock, logger } = this.#context;
    if (clientIds.filter((id) => id === clientId).length < 2) {
      this.#since = undefined;
      this.#warned = false;
      return;
    }
    this.#since ??= clock.monotonic();
    if (this.#warned || clock.monotonic() - this.#since < LISTED_TWICE_FOR_MS) return;
    this.#warned = true;
    logger.warn(
      `another member of consumer group ${printable(group)} has our client id, ${printable(clientId)}: both get the same ` +
        'queues, and their messages twice, and other queues have no consumer. Give each process an instanceName of its own, or none.',
    );
  }
}
