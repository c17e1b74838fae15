// Lists the client's started producers and consumers, for heartbeats and for what brokers ask of a group.
import type {
  ConsumerData,
  IncomingRequest,
  MessageExt,
  MessageQueue,
  Requests,
} from '@nest-rocketmq/remoting/internal';
import { GroupInUseError } from '../errors.js';

export type TransactionCheck = IncomingRequest<typeof Requests.CHECK_TRANSACTION_STATE>;

/** What brokers may want of a producer. */
export interface ProducerMember {
  readonly group: string;
  /** A broker asks how a transaction ended. */
  checkTransaction(check: TransactionCheck, message: MessageExt): void;
}

/** An offset in a queue. */
export interface QueueOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
}

export interface DirectResult {
  readonly consumeResult: 'CR_SUCCESS' | 'CR_LATER' | 'CR_THROW_EXCEPTION';
  readonly remark?: string;
  /** Whether the consumer keeps an order. */
  readonly order?: boolean;
  /** ms */
  readonly spentTimeMills: number;
}

/** What brokers may want of a consumer. */
export interface ConsumerMember {
  readonly group: string;
  /** What a heartbeat says of it. */
  heartbeatData(): ConsumerData;
  /** Consumers came or went. */
  idsChanged(): void;
  /** Continue from these offsets instead of the stored ones. */
  resetOffsets(offsets: readonly QueueOffset[]): Promise<void>;
  /** Offsets reached, of the queues of `topic`. */
  offsetsOf(topic: string): QueueOffset[];
  /** Its state for mqadmin, in Apache's JSON. */
  runningInfo(): Buffer;
  /** Runs the listener on this message, outside of the normal course. */
  consumeDirectly(message: MessageExt, brokerName: string): Promise<DirectResult>;
}

export class GroupRegistry {
  readonly producers = new Map<string, ProducerMember>();
  readonly consumers = new Map<string, ConsumerMember>();

  /** @throws GroupInUseError */
  addProducer(producer: ProducerMember): void {
    if (this.producers.has(producer.group)) throw new GroupInUseError('producer', producer.group);
    this.producers.set(producer.group, producer);
  }

  /** @throws GroupInUseError */
  addConsumer(consumer: ConsumerMember): void {
    if (this.consumers.has(consumer.group)) throw new GroupInUseError('consumer', consumer.group);
    this.consumers.set(consumer.group, consumer);
  }

  remove(member: ProducerMember | ConsumerMember): void {
    const { group } = member;
    if (this.producers.get(group) === member) this.producers.delete(group);
    if (this.consumers.get(group) === member) this.consumers.delete(group);
  }
}
