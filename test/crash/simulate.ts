// Simulates one life of a store: it is used, faults hit it, and it is opened again, several times over. A seed decides all
// of it, so that a failure can be repeated.
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { MessageStore, memoryFileSystem } from '@nest-rocketmq/broker/internal';
import type { FileSystem, MemoryFileSystem, MessageInner, StoreOptions } from '@nest-rocketmq/broker/internal';
import { FaultyFileSystem, NO_FAULTS, ProcessDied } from './faulty-file-system.js';
import type { FaultPlan } from './faulty-file-system.js';
import { Oracle, bodyFor } from './oracle.js';
import type { Findings, Sent } from './oracle.js';
import { Random } from './random.js';

const ROOT = '/store';
const TOPICS = ['A', 'B', 'SCHEDULE_TOPIC_XXXX'];
const CHECKPOINT_MS = 5_000;

export interface Story {
  seed: number;
  findings: Findings;
  /** What happened, for the reader of a failure. */
  events: string[];
  sent: number;
  acknowledged: number;
}

export async function simulate(seed: number): Promise<Story> {
  return new Simulation(seed).run();
}

class Simulation {
  readonly #random: Random;
  readonly #oracle = new Oracle();
  readonly #events: string[] = [];
  readonly #clock = new ManualClock(1_700_000_000_000);
  readonly #options: Omit<StoreOptions, 'fileSystem'>;
  #image: MemoryFileSystem = memoryFileSystem(() => 0);

  constructor(readonly seed: number) {
    const random = (this.#random = new Random(seed));
    this.#options = {
      root: ROOT,
      clock: this.#clock,
      logger: silentLogger,
      storeHost: { address: Buffer.from([127, 0, 0, 1]), port: 10911 },
      flush: random.pick(['async', 'sync']),
      mappedFileSizeCommitLog: random.pick([8_192, 65_536, 1_048_576]),
      mappedFileSizeConsumeQueue: random.pick([200, 2_000]),
      maxHashSlotNum: 50,
      maxIndexNum: 100,
      maxMessageSize: 4_096,
      enabledAppendPropCRC: random.chance(0.3),
      checkpointInterval: CHECKPOINT_MS,
      tailCacheBytes: random.pick([1, 1_048_576]),
      maxOpenFiles: random.pick([3, 256]),
    };
  }

  async run(): Promise<Story> {
    const lives = this.#random.integer(1, 4);
    for (let life = 0; life < lives; life++) await this.#live();
    const store = await this.#open(this.#image);
    const findings = this.#oracle.compare(await readAll(store));
    await store.close();
    const { sent } = this.#oracle;
    const acknowledged = sent.filter(({ fate }) => fate === 'acknowledged').length;
    return { seed: this.seed, events: this.#events, sent: sent.length, acknowledged, findings };
  }

  #open(fileSystem: FileSystem): Promise<MessageStore> {
    return MessageStore.open({ ...this.#options, fileSystem });
  }

  async #live(): Promise<void> {
    const random = this.#random;
    const files = new FaultyFileSystem(random, this.#image);
    const end = random.pick(['clean', 'kill', 'power'] as const);
    files.plan = this.#plan(end !== 'clean');
    this.#events.push(`${end} ${JSON.stringify(files.plan)}`);
    const first = this.#oracle.sent.length;
    let store: MessageStore | undefined;
    let flushed = 0;
    try {
      store = await this.#open(files);
      const alive = store;
      this.#follow(alive, first, () => (flushed = Math.max(flushed, alive.metrics.flushedOffset)));
      await this.#work(store, first);
      flushed = store.metrics.flushedOffset;
      if (end === 'clean') await store.close();
    } catch (error) {
      // A store that could not be opened says so, and has what the disk said as its cause.
      const { code, cause } = error as { code?: string; cause?: { code?: string } };
      if (!files.dead && code !== files.plan.code && cause?.code !== files.plan.code) throw error;
      this.#events.push(`died at call ${files.calls}: ${String(error)}`);
    }
    if (store) flushed = Math.max(flushed, store.metrics.flushedOffset);
    files.dead = true;
    await this.#abandon(store);
    this.#image = end === 'power' ? files.afterPowerLoss() : files.afterKill();
    if (random.chance(0.3)) this.#damageQueues();
    // In an earlier life it was opened again since, which makes it as safe as the disk is.
    if (end === 'power' && this.#options.flush === 'async')
      this.#oracle.excuse(({ id, end: at }) => id >= first && at > flushed);
  }

  /** What is derived from the log may be damaged in any way: nothing is lost by it. */
  #damageQueues(): void {
    const random = this.#random;
    const files = this.#image;
    const folder = `${ROOT}/consumequeue`;
    for (let count = random.integer(1, 4); count > 0; count--) {
      const paths = [...files.files.keys()].filter((path) => path.startsWith(`${folder}/`));
      if (paths.length === 0) return;
      const path = random.pick(paths);
      const from = random.integer(0, 199);
      const change = random.pick(['remove', 'zero', 'garbage', 'swap', 'remove queue', 'remove all'] as const);
      this.#events.push(`${change} ${path} from ${from}`);
      if (change === 'remove') files.removeSync(path);
      else if (change === 'remove queue') files.removeTreeSync(path.slice(0, path.lastIndexOf('/')));
      else if (change === 'remove all') files.removeTreeSync(folder);
      else if (change === 'swap') swap(files, path, random.pick(paths));
      else {
        const bytes = Buffer.alloc(random.integer(1, 200 - from), change === 'zero' ? 0 : random.integer(1, 255));
        files.openSync(path, 'write').writeSync(bytes, 0, bytes.length, from);
      }
    }
  }

  /** A dead process runs no more: what is under way must be over before its files are looked at. */
  async #abandon(store: MessageStore | undefined): Promise<void> {
    await store?.close().catch((error: unknown) => {
      if (!(error instanceof ProcessDied)) throw error;
    });
    await this.#clock.advance(60_000);
  }

  #plan(mayDie: boolean): FaultPlan {
    const random = this.#random;
    const plan = { ...NO_FAULTS };
    if (mayDie && random.chance(0.8)) plan.dieAt = random.integer(1, 600);
    if (random.chance(0.4)) {
      plan.failFrom = random.integer(1, 400);
      plan.failTo = plan.failFrom + random.pick([1, 2, 10, 100]);
      plan.code = random.pick(['EIO', 'ENOSPC']);
      plan.failing = random.pick(['write', 'sync']);
    }
    if (random.chance(0.3)) plan.shortWrites = random.next();
    if (random.chance(0.5)) plan.syncing = random.next();
    return plan;
  }

  /** Notes what is promised. */
  #follow(store: MessageStore, first: number, onFlushed: () => void): void {
    let next = first;
    const { sent } = this.#oracle;
    store.onCommitted((upTo, failure) => {
      for (let message = sent[next]; message && (failure || message.end <= upTo); message = sent[++next]) {
        if (message.fate !== 'pending') continue;
        message.fate = message.end <= upTo ? 'acknowledged' : 'refused';
      }
      onFlushed();
    });
  }

  async #work(store: MessageStore, first: number): Promise<void> {
    const random = this.#random;
    for (let round = random.integer(1, 30); round > 0; round--) {
      for (let count = random.integer(1, 12); count > 0; count--) this.#send(store);
      if (random.chance(0.7)) store.commit();
      if (random.chance(0.5)) await settle();
      if (random.chance(0.2)) await this.#clock.advance(random.pick([600, CHECKPOINT_MS, 31_000]));
      if (random.chance(0.1)) await this.#readBack(store, first);
    }
    if (random.chance(0.5)) await settle();
  }

  #send(store: MessageStore): void {
    const { sent } = this.#oracle;
    const topic = this.#random.pick(TOPICS);
    const queueId = this.#random.integer(0, 2);
    const id = sent.length;
    const body = bodyFor(id, this.#random.pick([0, 10, 100, 1_000, 4_000]));
    const result = store.append(messageOf(topic, queueId, body));
    if (result.status !== 'PUT_OK') return;
    const { queueOffset, physicalOffset, size } = result;
    const one: Sent = { id, topic, queueId, queueOffset, body, end: physicalOffset + size, fate: 'pending' };
    sent.push(one);
  }

  /** A reader sees all that is promised, and nothing that is not. */
  async #readBack(store: MessageStore, first: number): Promise<void> {
    // While it is read, more may be acknowledged.
    const acknowledged = new Set(this.#oracle.sent.filter(({ fate }) => fate === 'acknowledged').map(({ id }) => id));
    const read = await readAll(store);
    for (const { id, topic, queueId, queueOffset, body, fate } of this.#oracle.sent.slice(first)) {
      const found = read.get(`${topic}/${queueId}/${queueOffset}`);
      if (acknowledged.has(id) && found !== body)
        throw new Error(`seed ${this.seed}: ${id} is acknowledged and not to be read`);
      if (fate !== 'acknowledged' && found === body)
        throw new Error(`seed ${this.seed}: ${id} is ${fate} and can be read`);
    }
  }
}

function swap(files: MemoryFileSystem, a: string, b: string): void {
  const [first, second] = [files.files.get(a), files.files.get(b)];
  if (first) files.files.set(b, first);
  if (second) files.files.set(a, second);
}

function messageOf(topic: string, queueId: number, body: string): MessageInner {
  const properties = Buffer.from(`KEYS\u0001k${body.slice(0, 5)}\u0002DELAY\u00011\u0002`);
  const deliverDelayMs = topic === 'SCHEDULE_TOPIC_XXXX' ? 1_000 : 0;
  return {
    topic,
    queueId,
    body: Buffer.from(body),
    properties,
    deliverDelayMs,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: Buffer.from([10, 0, 0, 1]),
    bornPort: 1,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    tagsCode: 0,
  };
}

/** Bodies by `topic/queue/offset`, read as a consumer does. */
export async function readAll(store: MessageStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { topic, queueId } of store.queues()) {
    for (let offset = store.minOffset(topic, queueId); offset < store.maxOffset(topic, queueId);) {
      const { body, nextBeginOffset } = await store.getMessage(topic, queueId, offset, 32, 65_536);
      for (const buffer of body) {
        for (let at = 0; at < buffer.length; at += buffer.readInt32BE(at)) {
          const place = Number(buffer.readBigInt64BE(at + 20));
          found.set(
            `${topic}/${queueId}/${place}`,
            buffer.toString('utf8', at + 88, at + 88 + buffer.readInt32BE(at + 84)),
          );
        }
      }
      offset = nextBeginOffset;
    }
  }
  return found;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
