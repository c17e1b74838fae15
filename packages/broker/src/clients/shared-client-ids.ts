// Warns when two processes are members of a group under one client id: both take the same queues then, and nobody the others.
import { printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { WarningRate } from './warning-rate.js';

/** For all groups together. */
const MAX_WARNINGS_PER_MINUTE = 10;

interface Ids {
  /** By client id: the connection that its last heartbeat came over. */
  readonly lastHeard: Map<string, object>;
  readonly ofMember: Map<object, string>;
  readonly warned: Set<string>;
}

export class SharedClientIds {
  readonly #logger: Logger;
  readonly #rate: WarningRate;
  readonly #groups = new Map<string, Ids>();

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#logger = logger;
    this.#rate = new WarningRate(clock, MAX_WARNINGS_PER_MINUTE);
  }

  /**
   * A member has sent a heartbeat. One that has come back over a new connection is silent on its old one; so only two
   * connections that go on sending in turn are two processes.
   */
  heard(groupName: string, clientId: string, connection: object): void {
    let ids = this.#groups.get(groupName);
    if (!ids) this.#groups.set(groupName, (ids = { lastHeard: new Map(), ofMember: new Map(), warned: new Set() }));
    const isKnown = ids.ofMember.get(connection) === clientId;
    if (!isKnown) forget(ids, connection);
    const last = ids.lastHeard.get(clientId);
    if (isKnown && last && last !== connection && !ids.warned.has(clientId)) this.#warn(groupName, ids, clientId);
    ids.ofMember.set(connection, clientId);
    ids.lastHeard.set(clientId, connection);
  }

  left(groupName: string, connection: object): void {
    const ids = this.#groups.get(groupName);
    if (!ids) return;
    forget(ids, connection);
    if (ids.ofMember.size === 0) this.#groups.delete(groupName);
  }

  #warn(groupName: string, ids: Ids, clientId: string): void {
    if (!this.#rate.allows()) return;
    ids.warned.add(clientId);
    this.#logger.warn(
      `two members of consumer group ${printable(groupName)} have the client id ${printable(clientId)}: both get the same ` +
        `queues, and their messages twice, and other queues have no consumer. Give each process an instanceName of its ` +
        `own, or none; containers of one address need it too.`,
    );
  }
}

function forget({ lastHeard, ofMember, warned }: Ids, connection: object): void {
  const clientId = ofMember.get(connection);
  if (clientId === undefined) return;
  ofMember.delete(connection);
  if (lastHeard.get(clientId) === connection) lastHeard.delete(clientId);
  if (warned.has(clientId) && ![...ofMember.values()].includes(clientId)) warned.delete(clientId);
}
