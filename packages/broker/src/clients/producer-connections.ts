// Finds the connection of the client that sends under an id. The newest one counts: a client that dials anew is heard on
// its new connection before the old one is known to be gone.
import type { Connection } from '@nest-rocketmq/remoting/internal';

export class ProducerConnections {
  readonly #byId = new Map<string, Connection>();
  /** One id for each connection, so that a client cannot fill the other map. */
  readonly #idOf = new Map<Connection, string>();

  set(clientId: string, connection: Connection): void {
    if (this.#idOf.get(connection) !== clientId) this.delete(connection);
    this.#byId.set(clientId, connection);
    this.#idOf.set(connection, clientId);
  }

  delete(connection: Connection): void {
    const clientId = this.#idOf.get(connection);
    if (clientId === undefined) return;
    this.#idOf.delete(connection);
    if (this.#byId.get(clientId) === connection) this.#byId.delete(clientId);
  }

  get(clientId: string): Connection | undefined {
    return this.#byId.get(clientId);
  }
}
