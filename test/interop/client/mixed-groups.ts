// Shares two groups between our consumers and Java's on a replicated cluster: each member has queues of each broker.
import { RocketMQClient } from '@nest-rocketmq/client';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { RequestLog } from '../harness/request-log.js';
import type { SentRequest } from '../harness/request-log.js';
import { JavaBeside } from './java-beside.js';
import { ORDERED, STEADY } from './replicated-traffic.js';
import type { ReplicatedTraffic } from './replicated-traffic.js';
import { Arrivals } from './steady-load.js';

/** Concurrently, and in order. */
export type Way = 'steady' | 'ordered';

const GROUPS: Record<Way, string> = { steady: 'client_mixed', ordered: 'client_mixed_ordered' };
const TOPICS: Record<Way, string> = { steady: STEADY, ordered: ORDERED };
/** Of one client alone, by the intervals that it has by default. */
const DEFAULT_GROUPS = { ours: 'our_default', javas: 'java_default' };

/** Java's consumer in order was seen to stand still for 36 s. ms */
const JAVAS_PATIENCE_MS = 5_000;

/** The ids of a broker's queues. */
type Shares = Record<'ours' | 'javas', Set<string>>;

/** How long each took, ms; undefined: longer than until now. */
export type Times = Record<'ours' | 'javas' | 'oursByDefault' | 'javasByDefault', number | undefined>;

export class MixedGroups {
  readonly #log = new RequestLog();
  readonly #client: RocketMQClient;
  #shares: Record<Way, Shares> = {
    steady: { ours: new Set(), javas: new Set() },
    ordered: { ours: new Set(), javas: new Set() },
  };

  private constructor(
    private readonly traffic: ReplicatedTraffic,
    readonly ours: Record<Way, Arrivals>,
    readonly java: JavaBeside,
  ) {
    this.#client = new RocketMQClient({ nameServer: traffic.cluster.nameServer, dial: this.#log.dial });
  }

  /** @param more properties of Java's scenario */
  static async start(traffic: ReplicatedTraffic, run: string, more: Record<string, string> = {}): Promise<MixedGroups> {
    const ours = { steady: new Arrivals(), ordered: new Arrivals() };
    const byCircle = { allocateMessageQueueStrategy: 'AVG_BY_CIRCLE' } as const;
    // First: ours leaves queues at once, and Java's keeps the locks of some for 20 s.
    await traffic.consume('mixed', byCircle, ours.steady);
    await traffic.consume('mixed_ordered', { ...byCircle, consumeMode: 'ORDERLY' }, ours.ordered);
    const java = await JavaBeside.start(traffic.cluster.nameServer, run, {
      'topic.steady': STEADY,
      'group.steady': GROUPS.steady,
      'topic.ordered': ORDERED,
      'group.ordered': GROUPS.ordered,
      'group.default': DEFAULT_GROUPS.javas,
      ...more,
    });
    const groups = new MixedGroups(traffic, ours, java);
    await groups.#startByDefault();
    return groups;
  }

  async #startByDefault(): Promise<void> {
    await this.#client.start();
    const consumer = this.#client.createPushConsumer({
      group: DEFAULT_GROUPS.ours,
      subscriptions: [{ topic: STEADY }],
      listener: () => undefined,
    });
    await consumer.start();
  }

  /** Stops Java's clients, and ours of the default intervals. */
  async stop(): Promise<void> {
    await this.java.stop();
    await this.#client.shutdown();
  }

  /** Resolves when each member has half of the broker's queues, in both groups. */
  async untilShared(address: string, queues: number): Promise<void> {
    await this.traffic.until('queues of both members', () => {
      this.#shares = {
        steady: this.#sharesOf('steady', address),
        ordered: this.#sharesOf('ordered', address),
      };
      return Object.values(this.#shares).every(
        (share) => share.ours.size + share.javas.size === queues && share.ours.size === share.javas.size,
      );
    });
  }

  /** Who has pulled a queue last has it. */
  #sharesOf(way: Way, address: string): Shares {
    const ours = lastPulls(this.traffic.requests, GROUPS[way], TOPICS[way], address);
    const javas = lastPulls(this.java.requests, GROUPS[way], TOPICS[way], address);
    const isLater = (one: Map<string, number>, other: Map<string, number>): Set<string> =>
      new Set([...one].filter(([queueId, at]) => at > (other.get(queueId) ?? 0)).map(([queueId]) => queueId));
    return { ours: isLater(ours, javas), javas: isLater(javas, ours) };
  }

  /** Those that neither member of a group has had. */
  missing(way: Way, bodies: readonly string[]): string[] {
    return this.java.took(way).missing(this.ours[way].missing(bodies));
  }

  /** What each of them had again, and what both of them had. */
  get twice(): Record<'ours' | 'javas' | 'both', string[]> {
    return {
      ours: ways.flatMap((way) => this.ours[way].redelivered),
      javas: ways.flatMap((way) => this.java.took(way).redelivered),
      both: ways.flatMap((way) => this.ours[way].alsoIn(this.java.took(way))),
    };
  }

  /** How long after `since` all queues that a member had of a broker are pulled at this address. */
  #turned(way: Way, address: string, since: number): Times {
    const { ours, javas } = this.#shares[way];
    const { requests } = this.traffic;
    const of = (log: RequestLog, queues: Set<string>, group = GROUPS[way]): number | undefined =>
      turned(log.to(address, Requests.PULL_MESSAGE, since), queues, group, TOPICS[way], since);
    const all = new Set([...ours, ...javas]);
    return {
      ours: of(requests, ours),
      javas: of(this.java.requests, javas),
      oursByDefault: way === 'steady' ? of(this.#log, all, DEFAULT_GROUPS.ours) : undefined,
      javasByDefault: way === 'steady' ? of(this.java.requests, all, DEFAULT_GROUPS.javas) : undefined,
    };
  }

  /**
   * Resolves when our members have turned, in both groups, and Java's too, unless that takes them 5 s more.
   * @param byDefault whether ours with the default intervals has to, too. @returns the times
   */
  async untilTurned(address: string, since: number, byDefault = false): Promise<Record<Way, Times>> {
    const all = (): Record<Way, Times> => ({
      steady: this.#turned('steady', address, since),
      ordered: this.#turned('ordered', address, since),
    });
    await this.traffic.until('pulls of ours from the other broker', () => {
      const { steady, ordered } = all();
      const times = [steady.ours, ordered.ours, ...(byDefault ? [steady.oursByDefault] : [])];
      return times.every((time) => time !== undefined);
    });
    const deadline = Date.now() + JAVAS_PATIENCE_MS;
    await this.traffic.until('those of Java', () => {
      const { steady, ordered } = all();
      return Date.now() > deadline || (steady.javas !== undefined && ordered.javas !== undefined);
    });
    return all();
  }
}

const ways: readonly Way[] = ['steady', 'ordered'];

/** Queue to when it was pulled last. */
function lastPulls(log: RequestLog, group: string, topic: string, address: string): Map<string, number> {
  const pulls = log.to(address, Requests.PULL_MESSAGE).filter((one) => isOf(one, group, topic));
  return new Map(pulls.map(({ fields, at }) => [fields['queueId']!, at]));
}

function turned(
  pulls: readonly SentRequest[],
  queues: Set<string>,
  group: string,
  topic: string,
  since: number,
): number | undefined {
  const ours = pulls.filter((one) => isOf(one, group, topic));
  const firsts = [...queues].map((queueId) => ours.find(({ fields }) => fields['queueId'] === queueId)?.at);
  if (firsts.length === 0 || firsts.includes(undefined)) return undefined;
  return Math.max(...(firsts as number[])) - since;
}

const isOf = ({ fields }: SentRequest, group: string, topic: string): boolean =>
  fields['consumerGroup'] === group && fields['topic'] === topic;

/** For the log. @param byDefault with those of the clients with their own intervals */
export function timesText({ steady, ordered }: Record<Way, Times>, byDefault = false): string {
  const one = (time: number | undefined): string => (time === undefined ? 'not yet' : `${time} ms`);
  const more = byDefault
    ? [`, by default ${one(steady.oursByDefault)}`, `, by default ${one(steady.javasByDefault)}`]
    : [];
  const [ours = '', javas = ''] = more;
  return (
    `ours ${one(steady.ours)}, in order ${one(ordered.ours)}${ours}; ` +
    `Java's ${one(steady.javas)}, in order ${one(ordered.javas)}${javas}`
  );
}
