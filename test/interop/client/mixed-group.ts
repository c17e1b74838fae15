// Runs a group whose members are processes with different clients: who has which queue, and what each has consumed.
import { setTimeout as wait } from 'node:timers/promises';
import type { Producer, RocketMQClient } from '@nest-rocketmq/client';
import type { CallEvent } from '../../orderly/oracle.js';
import { collectCalls, type Member, type StartMember, until } from '../../orderly/scenario.js';
import type { Cluster } from '../harness/cluster.js';
import { newClient, SEND_TIMEOUT_MS } from './peer.js';
import { groupMembers } from './group-members.js';

/** Shared without a rest among up to four members. */
const QUEUES = 12;
const BURST = 5;
/** The Go client tries again after 20 s to take what it was refused, and a JVM takes its time to start or to stop. */
const SETTLE_TIMEOUT_MS = 100_000;
/** In which a message is consumed, unless nobody has its queue for now. */
const ROUND_TIMEOUT_MS = 5_000;
/** In which it is consumed, once each member has its queues. */
const PATIENCE_MS = 60_000;
const QUIET_MS = 300;

export class MixedGroup {
  readonly #calls: CallEvent[] = [];
  readonly #members = new Map<string, Member & { clientId: string }>();
  /** The messages sent to each queue. */
  #sent = 0;

  private constructor(
    readonly cluster: Cluster,
    readonly topic: string,
    readonly group: string,
    readonly client: RocketMQClient,
    readonly producer: Producer,
  ) {}

  static async on(cluster: Cluster, topic: string, group: string): Promise<MixedGroup> {
    const client = newClient(cluster);
    await client.start();
    await client.admin.createTopic({ topic, queues: QUEUES });
    const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    return new MixedGroup(cluster, topic, group, client, producer);
  }

  async join(name: string, start: StartMember): Promise<void> {
    const member = await start(name, collectCalls(this.#calls, name));
    const known = [...this.#members.values()].map(({ clientId }) => clientId);
    let joined: string | undefined;
    for (let waited = 0; joined === undefined && waited < SETTLE_TIMEOUT_MS; waited += QUIET_MS) {
      const ids = (await groupMembers(this.cluster, this.group)).map(({ clientId }) => clientId);
      joined = ids.find((clientId) => !known.includes(clientId));
      if (joined === undefined) await wait(QUIET_MS);
    }
    if (joined === undefined) throw new Error(`${name} is not in the group`);
    this.#members.set(name, { ...member, clientId: joined });
  }

  async leave(name: string): Promise<void> {
    await this.#take(name).child.stop();
  }

  async kill(name: string): Promise<void> {
    await this.#take(name).child.kill();
  }

  /** Waits until each member has the queues that are its share; @returns what is wrong, if that does not come */
  async settle(): Promise<string[]> {
    let faults: string[] = [];
    const deadline = Date.now() + SETTLE_TIMEOUT_MS;
    // Twice: a member may still hold what it is about to give away.
    for (let settled = 0; settled < 2 && Date.now() < deadline;) {
      const seq = await this.#send();
      await until(() => this.#of(seq).size === QUEUES, ROUND_TIMEOUT_MS);
      faults = this.#misplaced(seq);
      settled = faults.length === 0 ? settled + 1 : 0;
    }
    return faults;
  }

  /** Sends while nobody comes or goes; @returns what was not consumed once */
  async consumeOnce(): Promise<string[]> {
    const from = this.#sent;
    for (let i = 0; i < BURST; i++) await this.#send();
    const begun = (): CallEvent[] => this.#calls.filter(({ what, seq }) => what === 'begin' && seq >= from);
    await until(() => begun().length >= BURST * QUEUES, PATIENCE_MS);
    await wait(QUIET_MS);
    const counts = new Map<string, number>();
    for (const { queue, seq } of begun()) counts.set(`${queue} ${seq}`, (counts.get(`${queue} ${seq}`) ?? 0) + 1);
    const twice = [...counts].filter(([, count]) => count !== 1).map(([what, count]) => `${what}: ${count} times`);
    return counts.size === BURST * QUEUES ? twice : [`${counts.size} of ${BURST * QUEUES} were consumed`, ...twice];
  }

  /** The messages that nobody has consumed. */
  async lost(): Promise<string[]> {
    const missing = (): string[] => {
      const ended = new Set(
        this.#calls.filter(({ what }) => what === 'end').map(({ queue, seq }) => `${queue} ${seq}`),
      );
      const all = Array.from({ length: this.#sent }, (_, seq) => queueNames.map((queue) => `${queue} ${seq}`)).flat();
      return all.filter((message) => !ended.has(message));
    };
    await until(() => missing().length === 0, PATIENCE_MS);
    return missing();
  }

  async end(): Promise<void> {
    for (const { child } of this.#members.values()) await child.kill();
    await this.client.shutdown();
  }

  #take(name: string): Member {
    const member = this.#members.get(name)!;
    this.#members.delete(name);
    return member;
  }

  /** One message to each queue. @returns its number */
  async #send(): Promise<number> {
    const seq = this.#sent++;
    const send = (queue: string, queueId: number): Promise<unknown> => {
      const messageQueue = { topic: this.topic, brokerName: 'broker-a', queueId };
      return this.producer.send({ topic: this.topic, body: `${queue} ${seq}` }, { messageQueue });
    };
    await Promise.all(queueNames.map(send));
    return seq;
  }

  /** Queue to the members that have consumed this message of it. */
  #of(seq: number): Map<string, string[]> {
    const owners = new Map<string, string[]>();
    for (const call of this.#calls) {
      if (call.what === 'begin' && call.seq === seq)
        owners.set(call.queue, [...(owners.get(call.queue) ?? []), call.member]);
    }
    return owners;
  }

  /** Each has the share of its client id, by the average strategy of all clients. */
  #misplaced(seq: number): string[] {
    const sorted = [...this.#members].toSorted(([, a], [, b]) => (a.clientId < b.clientId ? -1 : 1));
    const share = QUEUES / sorted.length;
    const owners = this.#of(seq);
    return queueNames
      .map((queue, id) => ({ queue, owner: sorted[Math.floor(id / share)]![0], by: owners.get(queue) ?? [] }))
      .filter(({ owner, by }) => by.length !== 1 || by[0] !== owner)
      .map(
        ({ queue, owner, by }) => `queue ${queue} is ${owner}'s and was consumed by ${by.join(' and ') || 'nobody'}`,
      );
  }
}

const queueNames = Array.from({ length: QUEUES }, (_, id) => String(id));
