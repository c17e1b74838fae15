// Runs instances of the app of shop-instance.mjs behind a balancer under steady traffic, and replaces them one after the other.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RocketMQClient } from '@nest-rocketmq/client';
import { type Child, type ExitStatus, startChild } from '../harness/children.js';
import type { Cluster } from '../harness/cluster.js';
import { repositoryRoot } from '../harness/paths.js';

const PROGRAM = join(repositoryRoot, 'test/interop/deploys/shop-instance.mjs');
const START_MS = 120_000;
/** Of the app, which is told. */
const TOPICS = ['order', 'audit', 'ledger', 'reminder', 'booking', 'price'];
const QUEUES = 8;
/** A cold JVM on a busy machine takes longer to create a topic than an app waits at its start. */
const COLD_JVM_MS = 60_000;
const READY_INTERVAL_MS = 50;
/** Between two requests of one kind. */
const PACE_MS = 100;
/** Of the ledger: each has its requests one after the other. */
const KEYS = ['a', 'b', 'c', 'd'];
const COMPLAINT = /\b(WARN|ERROR)\b|Warning|rejection/;
/** What a busy machine brings: the broker has a second to answer. */
const BUSY = /did not answer (UN)?LOCK_BATCH_MQ within/;

const KINDS = ['order', 'remind', 'book', 'ask'] as const;

export type Kind = (typeof KINDS)[number] | 'ledger';

export interface Message {
  readonly kind: Kind;
  readonly id: string;
  readonly key: string;
  readonly seq: number;
}

/** What a listener has printed. */
export interface Event extends Message {
  readonly what: 'begin' | 'end';
  readonly group: string;
  /** ms since the epoch */
  readonly at: number;
  readonly by: string;
}

class Instance {
  #underWay = 0;
  #whenIdle: (() => void) | undefined;

  constructor(
    readonly child: Child,
    private readonly url: string,
  ) {}

  async get(path: string): Promise<{ status: number; text: string }> {
    this.#underWay++;
    try {
      const response = await fetch(this.url + path, { headers: { connection: 'close' } });
      return { status: response.status, text: await response.text() };
    } finally {
      if (--this.#underWay === 0) this.#whenIdle?.();
    }
  }

  /** Resolves when it has answered all requests. */
  idle(): Promise<void> {
    return this.#underWay === 0 ? Promise.resolve() : new Promise((resolve) => (this.#whenIdle = resolve));
  }
}

export class Shop {
  readonly events: Event[] = [];
  /** What callers were told is done. */
  readonly acknowledged: Message[] = [];
  /** What callers were told instead. */
  readonly failures: string[] = [];
  /** Warnings and errors in the logs. */
  readonly complaints: string[] = [];
  readonly exits: ExitStatus[] = [];
  readonly #cluster: Cluster;
  readonly #instances: Instance[] = [];
  readonly #traffic: Promise<void>[] = [];
  #started = 0;
  #turn = 0;
  #hasTraffic = true;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static async open(cluster: Cluster, instances: number): Promise<Shop> {
    await createTopics(cluster);
    const shop = new Shop(cluster);
    for (let i = 0; i < instances; i++) shop.#instances.push(await shop.#start());
    for (const kind of KINDS) shop.#traffic.push(shop.#ask(kind, kind));
    for (const key of KEYS) shop.#traffic.push(shop.#ask('ledger', key));
    return shop;
  }

  /** A new instance is ready before the oldest one is told to end, as in a rolling deployment. */
  async replaceOldest(): Promise<void> {
    this.#instances.push(await this.#start());
    await this.#end(this.#instances.shift()!);
  }

  /** Sends nothing more. Resolves when all is answered. */
  async endTraffic(): Promise<void> {
    this.#hasTraffic = false;
    await Promise.all(this.#traffic);
  }

  async close(): Promise<void> {
    await this.endTraffic();
    await Promise.all(this.#instances.map((instance) => this.#end(instance)));
  }

  async #start(): Promise<Instance> {
    const name = `shop ${this.#started++}`;
    const topics = JSON.stringify(TOPICS.map((topic) => ({ name: topic, queues: QUEUES })));
    const env = { ROCKETMQ_NAME_SERVER: this.#cluster.nameServer, TOPICS: topics, NO_COLOR: '1', NODE_OPTIONS: '' };
    const onLine = (line: string): void => this.#note(name, line);
    const child = startChild(name, process.execPath, [PROGRAM], { env, onLine });
    const { port } = JSON.parse(await child.line(/"what":"ready"/, START_MS)) as { port: number };
    const instance = new Instance(child, `http://127.0.0.1:${port}`);
    while ((await instance.get('/ready')).status !== 200) await wait(READY_INTERVAL_MS);
    return instance;
  }

  /** It gets no new request any more, and SIGTERM when it has answered the last one: what a preStop hook is for. */
  async #end(instance: Instance): Promise<void> {
    await instance.idle();
    this.exits.push(await instance.child.stop());
  }

  #note(by: string, line: string): void {
    if (line.startsWith('{')) this.events.push({ ...(JSON.parse(line) as Event), by });
    else if (COMPLAINT.test(line) && !BUSY.test(line)) this.complaints.push(`${by}: ${line}`);
  }

  async #ask(kind: Kind, key: string): Promise<void> {
    let seq = 0;
    while (this.#hasTraffic) {
      const message = { kind, id: `${key}-${seq}`, key, seq: seq++ };
      const instance = this.#instances[this.#turn++ % this.#instances.length]!;
      const { status, text } = await instance
        .get(`/do?message=${encodeURIComponent(JSON.stringify(message))}`)
        .catch((error: unknown) => ({ status: 0, text: String(error) }));
      if (status === 200) this.acknowledged.push(message);
      else this.failures.push(text);
      await wait(PACE_MS);
    }
  }
}

async function createTopics({ nameServer }: Cluster): Promise<void> {
  const client = new RocketMQClient({ nameServer, mqClientApiTimeout: COLD_JVM_MS });
  await client.start();
  for (const topic of TOPICS) await client.admin.createTopic({ topic, queues: QUEUES });
  await client.shutdown();
}
