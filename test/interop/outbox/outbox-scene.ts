// Runs apps, relays in processes of their own, and readers of what they send, for the outbox on a real database.
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQModule } from 'nest-rocketmq';
import { RocketMQOutbox, RocketMQOutboxModule } from 'nest-rocketmq/outbox';
import type { OutboxDatabase, OutboxRelayOptions } from 'nest-rocketmq/outbox';
import { Reader } from '../../tables/reader.js';
import { stageOn } from '../../tables/stage.js';
import type { Stage } from '../../tables/stage.js';
import { startChild } from '../harness/children.js';
import type { Child } from '../harness/children.js';
import type { Cluster } from '../harness/cluster.js';
import { SEND_TIMEOUT_MS } from '../client/peer.js';

const RELAY = join(import.meta.dirname, 'relay-process.mjs');

export class OutboxScene {
  readonly #stage: Stage;
  readonly #children: Child[] = [];
  readonly #readers: Reader[] = [];
  #module: TestingModule | undefined;

  /** @param url of the database, for the relays @param patience of `until`, and of the first line of a relay; ms */
  constructor(
    private readonly cluster: Cluster,
    private readonly url: string,
    readonly patience: number,
  ) {
    this.#stage = stageOn(cluster);
  }

  /** An app in this process. */
  async startApp(database: OutboxDatabase, relay: OutboxRelayOptions | boolean): Promise<RocketMQOutbox> {
    const imports = [
      RocketMQModule.forRoot({
        nameServer: this.cluster.nameServer,
        group: 'outbox-app',
        // A send that a cold JVM answers too late is tried again, and its message comes twice.
        producer: { sendMsgTimeout: SEND_TIMEOUT_MS },
      }),
      RocketMQOutboxModule.forRoot({ database, relay }),
    ];
    this.#module = await Test.createTestingModule({ imports }).compile();
    await this.#module.init();
    return this.#module.get(RocketMQOutbox);
  }

  async closeApp(): Promise<void> {
    await this.#module?.close();
    this.#module = undefined;
  }

  async read(topic: string): Promise<Reader> {
    const reader = await Reader.start(this.#stage, { group: `${topic}-reader`, topic });
    this.#readers.push(reader);
    return reader;
  }

  startRelay(env: Record<string, string>): Child {
    const child = startChild('relay', process.execPath, [RELAY], {
      env: { DATABASE_URL: this.url, NAME_SERVER: this.cluster.nameServer, ...env },
    });
    this.#children.push(child);
    return child;
  }

  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const end = Date.now() + this.patience;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`waited ${this.patience} ms for ${what}`);
      await this.#stage.pass(50);
    }
  }

  /** Ends what a test has started. */
  async clear(): Promise<void> {
    await Promise.all(this.#children.splice(0).map((child) => child.kill()));
    await this.closeApp();
    await Promise.all(this.#readers.splice(0).map((reader) => reader.stop()));
  }

  async end(): Promise<void> {
    await this.#stage.end();
  }
}

/** Of each key, its numbers in the order in which they came first. Fails if a message has come with two ids. */
export function firstOf(reader: Reader): Record<string, number[]> {
  const ids = new Map<string, string>();
  const numbers: Record<string, number[]> = {};
  for (const { body, message } of reader.got) {
    const id = message.properties.get('UNIQ_KEY')!;
    const known = ids.get(body);
    expect([body, known ?? id]).toEqual([body, id]);
    if (known !== undefined) continue;
    ids.set(body, id);
    const { key, number } = JSON.parse(body) as { key: string; number: number };
    (numbers[key] ??= []).push(number);
  }
  return numbers;
}
