// Injects the faults of networks and brokers into a test.
import type { BrokerTesting } from '@nest-rocketmq/broker/internal';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { checkInteger, inside } from '../option-checks.js';

/** Broker codes by name, of which a test may choose one: 'SYSTEM_BUSY', 'TOPIC_NOT_EXIST', … */
export type ResponseCodeName = keyof typeof ResponseCode;

const MOST = 10_000;

/** The faults that a test can cause. Each of them holds for the next sends or deliveries only; `reset` takes them back. */
export class RocketMQFaults {
  readonly #held: (() => void)[] = [];
  #toHold = 0;

  /** @internal */
  constructor(private readonly broker: BrokerTesting) {}

  /**
   * Refuses the next `times` sends of one message.
   * @param code the broker's answer, by name or number; default 'SYSTEM_BUSY', which a producer tries again
   */
  rejectSends(times = 1, code: ResponseCodeName | number = 'SYSTEM_BUSY'): void {
    this.broker.faults.reject(count('rejectSends', times), typeof code === 'number' ? code : ResponseCode[code]);
  }

  /**
   * Stores the next `times` messages, and loses the answers. The send rejects after its time-out, and the message is there all
   * the same. Await it with `until`, which turns the clock to the time-out.
   * @param connection 'closed': the connection is lost as well. The producer sends again at once, and the message comes twice
   */
  loseAcks(times = 1, connection: 'open' | 'closed' = 'open'): void {
    this.broker.faults.loseAnswers(count('loseAcks', times), connection === 'closed');
  }

  /** Stores the next `times` messages twice, under the same id. */
  duplicateSends(times = 1): void {
    this.broker.faults.duplicate(count('duplicateSends', times));
  }

  /**
   * Holds the next `messages - 1` deliveries back until one more has ended: they reach listeners in the opposite order.
   * Listeners with an order, ORDERLY or KEY_ORDERED, are left alone: RocketMQ keeps theirs.
   */
  reorderDeliveries(messages = 2): void {
    this.#toHold = count('reorderDeliveries', messages) - 1;
  }

  /** Closes all connections between the app and the broker; the client opens new ones. */
  dropConnections(): void {
    this.broker.dropConnections();
  }

  /** Takes back what has not happened yet. */
  clear(): void {
    this.broker.faults.clear();
    this.#toHold = 0;
    for (const go of this.#held.splice(0)) go();
  }

  /** For `RocketMQListeners.holdBack`. @internal */
  holdBack(): Promise<void> | undefined {
    if (this.#toHold === 0) return undefined;
    this.#toHold--;
    return new Promise((resolve) => this.#held.push(resolve));
  }

  /** A delivery has ended: the one that was held last is next. @internal */
  delivered(): void {
    if (this.#toHold === 0) this.#held.pop()?.();
  }

  /** Nothing else happens. @returns whether something was held back @internal */
  releaseHeld(): boolean {
    const go = this.#held.pop();
    go?.();
    return go !== undefined;
  }
}

function count(method: string, times: unknown): number {
  return inside(`RocketMQFaults.${method}`, undefined, () => checkInteger('times', times, 1, MOST));
}
