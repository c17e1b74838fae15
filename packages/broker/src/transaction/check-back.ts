// Asks producers for the verdict on half messages that have none.
import {
  HALF_TOPIC,
  MessageProperty,
  Repeating,
  Requests,
  TRANS_CHECK_MAX_TIME_TOPIC,
  encodeOffsetMsgId,
  encodeRecord,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, EventLog, Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import { PutError, isRefusedForGood } from '../message/message-writer.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import { fitProperties } from '../message/fit-properties.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';
import { toMessageInner } from '../message/half-message.js';
import type { HalfQueue } from './half-queue.js';
import { HalfReader, timesChecked } from './half-reader.js';

const QUEUE = 0;
/**
 * A half message that was stored longer ago is given up even if no producer could be asked, ms: Apache's fileReservedTime.
 */
const LONGEST_LIFE_MS = 72 * 3_600_000;

export interface CheckBackDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  halves: HalfQueue;
  /** `DelayOffsets.hold` */
  hold: () => () => void;
  topics: Topics;
  clients: Clients;
  stats: BrokerStats;
  clock: Clock;
  logger: Logger;
  log: EventLog;
  config: {
    brokerName: string;
    transactionTimeOut: number;
    transactionCheckInterval: number;
    transactionCheckMax: number;
  };
}

export class CheckBack {
  readonly #rounds: Repeating;
  readonly #reader: HalfReader;
  #stopped = false;

  constructor(private readonly deps: CheckBackDeps) {
    const { halves, config } = deps;
    this.#reader = new HalfReader(deps);
    this.#rounds = new Repeating({
      ...deps,
      name: 'checking transactions',
      interval: config.transactionCheckInterval,
      run: () => this.#askAll(),
      isNeeded: () => halves.first < halves.end,
      event: 'the next check of open transactions',
    });
  }

  /** Continues with what was undecided when the broker stopped. */
  async start(): Promise<void> {
    const { halves, logger } = this.deps;
    await halves.start().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn(`the verdicts before the last stop are not saved: ${reason}`);
    });
    if (halves.first < halves.end) this.arrived();
  }

  /** A half message has been stored. */
  arrived(): void {
    if (!this.#stopped) this.#rounds.start(this.deps.config.transactionTimeOut);
  }

  /** There is nothing to ask about until another half message arrives. */
  allDecided(): void {
    this.#rounds.stop();
  }

  /** Asks about all that are open, however young, for a test. */
  async checkNow(): Promise<void> {
    await this.#rounds.whenIdle();
    await this.#askAll(true);
  }

  /** Resolves when nobody is being asked any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#rounds.stop();
    await this.#rounds.whenIdle();
  }

  async #askAll(now = false): Promise<void> {
    const { halves, config, clock, logger } = this.deps;
    // Copies that are stored in this round are for the next one.
    const end = halves.end;
    for (let offset = halves.nextOpen(0); offset < end && !this.#stopped; offset = halves.nextOpen(offset + 1)) {
      const half = await this.#reader.read(offset);
      if (this.#stopped) return;
      // Until the disk can be read again, or the file is too old and goes.
      if (half === 'later') continue;
      if (half === 'damaged') {
        await halves.decide(offset);
        continue;
      }
      const times = timesChecked(half);
      // Before its immunity time is looked at, which the producer may have set to any length.
      if (times >= config.transactionCheckMax || clock.now() - half.storeTimestamp > LONGEST_LIFE_MS) {
        const why = `giving up the transaction of ${printable(half.msgId)} after ${times} checks`;
        logger.warn(`${why}: it is in ${TRANS_CHECK_MAX_TIME_TOPIC}`);
        await halves.decide(offset, () => this.#giveUp(half));
        continue;
      }
      const age = clock.now() - half.bornTimestamp;
      const immunity = now ? 0 : immunityOf(half);
      // Those behind it are younger. The clock of a producer may be fast, though: that must not hold them up.
      if (immunity === undefined && age >= 0 && age < config.transactionTimeOut) break;
      if (immunity !== undefined && age < immunity) continue;
      await this.#ask(offset, half);
    }
  }

  async #ask(offset: number, half: MessageExt): Promise<void> {
    const { halves, clients, logger, config } = this.deps;
    const group = half.properties.get(MessageProperty.PGROUP) ?? '';
    const producer = clients.nextProducer(group);
    // Without a producer nobody is asked, so this does not count as a check.
    if (!producer) {
      logger.debug?.(
        `no producer of group ${printable(group)} is connected to be asked about ${printable(half.msgId)}`,
      );
      return;
    }
    const copy = await this.#replace(offset, half, timesChecked(half) + 1).catch(async (error: unknown) => {
      if (!(error instanceof PutError) || !isRefusedForGood(error.status)) throw error;
      // It would block all half messages behind it for ever.
      logger.error(
        `giving up the transaction of ${printable(half.msgId)}: its properties are too long to count its checks`,
      );
      await halves.decide(offset, () => this.#giveUp(half));
      return undefined;
    });
    if (!copy) return;
    if (producer.connection.closed || !halves.isOpen(copy.queueOffset)) return;
    producer.connection.oneway(
      Requests.CHECK_TRANSACTION_STATE,
      {
        topic: copy.properties.get(MessageProperty.REAL_TOPIC),
        tranStateTableOffset: copy.queueOffset,
        commitLogOffset: copy.physicalOffset,
        msgId: copy.properties.get(MessageProperty.UNIQ_KEY),
        transactionId: copy.properties.get(MessageProperty.UNIQ_KEY),
        offsetMsgId: copy.offsetMsgId,
        bname: config.brokerName,
      },
      { body: recordForProducer(copy) },
    );
  }

  /** Replaces the half message by a copy that counts the checks. */
  async #replace(offset: number, half: MessageExt, times: number): Promise<MessageExt> {
    const noted = this.deps.hold();
    let copy: MessageExt;
    try {
      copy = await this.#storeAgain(half, times);
    } catch (error) {
      noted();
      throw error;
    }
    await this.deps.halves.replace(offset, copy.queueOffset, noted);
    return copy;
  }

  async #storeAgain(half: MessageExt, times: number): Promise<MessageExt> {
    const { messageWriter, stats } = this.deps;
    const properties = new Map(half.properties).set(MessageProperty.TRANSACTION_CHECK_TIMES, String(times));
    // What a broker adds to each message is longer than this.
    fitProperties(properties);
    const preparedTransactionOffset = half.physicalOffset;
    const copy = { ...toMessageInner(half, properties), preparedTransactionOffset };
    const result = { ...messageWriter.deliver(copy) };
    await messageWriter.whenStored(result);
    const { queueOffset, physicalOffset, storeTimestamp, size: storeSize } = result;
    stats.put(HALF_TOPIC, QUEUE, 1, storeSize, storeTimestamp);
    // Not read back: a copy that cannot be read would be open beside the half that it replaces.
    const { address, port } = half.storeHost;
    const offsetMsgId = encodeOffsetMsgId(address, port, physicalOffset);
    const place = { queueOffset, physicalOffset, storeTimestamp, offsetMsgId, storeSize };
    return { ...half, ...place, properties, preparedTransactionOffset };
  }

  async #giveUp(half: MessageExt): Promise<void> {
    const { topics, messageWriter } = this.deps;
    const topic = topics.create(TRANS_CHECK_MAX_TIME_TOPIC, 1).topicName;
    await topics.whenSaved(topic);
    const given = { ...toMessageInner(half, half.properties), topic, queueId: QUEUE };
    await messageWriter.whenStored(messageWriter.deliver({ ...given, preparedTransactionOffset: half.physicalOffset }));
  }
}

/** Age before which the producer must not be asked, ms. */
function immunityOf(half: MessageExt): number | undefined {
  const seconds = Number(half.properties.get(MessageProperty.CHECK_IMMUNITY_TIME_IN_SECONDS) ?? NaN);
  return seconds >= 0 ? seconds * 1000 : undefined;
}

/** The record as the producer sees it: under its own topic and queue. */
function recordForProducer(half: MessageExt): Buffer {
  return encodeRecord({
    ...half,
    topic: Buffer.from(half.properties.get(MessageProperty.REAL_TOPIC) ?? half.topic, 'utf8'),
    queueId: Number(half.properties.get(MessageProperty.REAL_QID) ?? half.queueId),
    properties: toMessageInner(half, half.properties).properties,
  });
}
