// Injects the faults of networks and brokers into a test.
import type { BrokerTesting, SendFaults } from '@nest-rocketmq/broker/internal';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { checkInteger, checkKeys, inside } from '../option-checks.js';

/** Broker codes by name, of which a test may choose one: 'SYSTEM_BUSY', 'TOPIC_NOT_EXIST', … */
export type ResponseCodeName = keyof typeof ResponseCode;

/** Where a fault happens. */
export interface FaultOptions {
  /** `name` of the cluster's forRoot; 'default' for the one without. Default: whichever cluster comes first. */
  readonly cluster?: string | undefined;
}

/** The brokers of one cluster, or of all. @throws InvalidOptionError for a cluster that the test does not know */
type BrokersOf = (method: string, cluster: string | undefined) => readonly { readonly broker: BrokerTesting }[];

const MOST = 10_000;

/** The faults that a test can cause. Each of them holds for the next sends or deliveries only; `reset` takes them back. */
export class RocketMQFaults {
  readonly #held: (() => void)[] = [];
  #toHold = 0;
  /** Whose deliveries are held back; undefined: those of all. */
  #holdingOf: string | undefined;

  /** @internal */
  constructor(
    private readonly sends: SendFaults,
    private readonly brokersOf: BrokersOf,
  ) {}

  /**
   * Refuses the next `times` sends of one message.
   * @param code the broker's answer, by name or number; default 'SYSTEM_BUSY', which a producer tries again
   * @throws InvalidOptionError, as all of these
   */
  rejectSends(times = 1, code: ResponseCodeName | number = 'SYSTEM_BUSY', options: FaultOptions = {}): void {
    const number = typeof code === 'number' ? code : ResponseCode[code];
    this.sends.reject(count('rejectSends', times), number, this.#clusterOf('rejectSends', options));
  }

  /**
   * Stores the next `times` messages, and loses the answers. The send rejects after its time-out, and the message is there all
   * the same. Await it with `until`, which turns the clock to the time-out.
   * @param connection 'closed': the connection is lost as well. The producer sends again at once, and the message comes twice
   */
  loseAcks(times = 1, connection: 'open' | 'closed' = 'open', options: FaultOptions = {}): void {
    const cluster = this.#clusterOf('loseAcks', options);
    this.sends.loseAnswers(count('loseAcks', times), connection === 'closed', cluster);
  }

  /** Stores the next `times` messages twice, under the same id. */
  duplicateSends(times = 1, options: FaultOptions = {}): void {
    this.sends.duplicate(count('duplicateSends', times), this.#clusterOf('duplicateSends', options));
  }

  /**
   * Holds the next `messages - 1` deliveries back until one more has ended: they reach listeners in the opposite order.
   * Listeners with an order, ORDERLY or KEY_ORDERED, are left alone: RocketMQ keeps theirs.
   */
  reorderDeliveries(messages = 2, options: FaultOptions = {}): void {
    this.#holdingOf = this.#clusterOf('reorderDeliveries', options);
    this.#toHold = count('reorderDeliveries', messages) - 1;
  }

  /** Closes all connections between the app and its brokers, or those with one cluster; the client opens new ones. */
  dropConnections(options: FaultOptions = {}): void {
    const cluster = this.#clusterOf('dropConnections', options);
    for (const { broker } of this.brokersOf('dropConnections', cluster)) broker.dropConnections();
  }

  /** Takes back what has not happened yet. */
  clear(): void {
    this.sends.clear();
    this.#toHold = 0;
    for (const go of this.#held.splice(0)) go();
  }

  /** For `RocketMQListeners.holdBack`. @internal */
  holdBack(cluster: string): Promise<void> | undefined {
    if (this.#toHold === 0 || (this.#holdingOf ?? cluster) !== cluster) return undefined;
    this.#toHold--;
    return new Promise((resolve) => this.#held.push(resolve));
  }

  /** A delivery has ended: the one that was held last is next. @internal */
  delivered(cluster: string): void {
    if (this.#toHold === 0 && (this.#holdingOf ?? cluster) === cluster) this.#held.pop()?.();
  }

  /** Nothing else happens. @returns whether something was held back @internal */
  releaseHeld(): boolean {
    const go = this.#held.pop();
    go?.();
    return go !== undefined;
  }

  #clusterOf(method: string, options: FaultOptions): string | undefined {
    inside(`RocketMQFaults.${method}`, undefined, () => checkKeys('options', options, ['cluster']));
    this.brokersOf(method, options.cluster);
    return options.cluster;
  }
}

function count(method: string, times: unknown): number {
  return checkTimes(`RocketMQFaults.${method}`, times);
}

/** How often a fault happens. @throws InvalidOptionError */
export function checkTimes(where: string, times: unknown): number {
  return inside(where, undefined, () => checkInteger('times', times, 1, MOST));
}
