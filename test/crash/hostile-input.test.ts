// Tests a broker process against peers that request much and read nothing, and frames that never end: its memory, how long
// others wait, and how much it reads. Needs the build, and Linux for /proc.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { NO_BODY, Requests, emptyFields, encodeFrame, encodeProperties } from '@nest-rocketmq/remoting/internal';
import type { Connection, HeaderOf } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';

const MB = 1_048_576;
/** Most memory that the process may take, MB. */
const MOST_MB = 300;
const MESSAGE_BYTES = 4_000_000;
const MESSAGES = 60;
/** Bytes read from files for each byte answered. */
const MOST_READ = 1.2;
const LONGEST_ANSWER_MS = 100;
/** Times as long as without a hostile peer an answer may take, on a machine that is slow or busy itself. */
const MOST_WINDOWS = 10;
const MOST_SLOWER = 5;
/** Whatever the machine. */
const LONGEST_ON_ANY_MACHINE_MS = 1_000;
/** One answer of so many may be delayed by a busy machine, or by this process, which reads large messages itself. */
const HICCUP_IN = 50;
/** A broker that has read nothing for so long, ms, has read all that it reads for peers that take no answers. */
const QUIET_MS = 500;

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await cleanUp();
});

const proc = ({ child }: BrokerProcess, file: string, pattern: RegExp): number =>
  Number(pattern.exec(readFileSync(`/proc/${child.pid}/${file}`, 'utf8'))?.[1]);
/** The most memory that the process has ever taken, MB. */
const peak = (broker: BrokerProcess): number => proc(broker, 'status', /^VmHWM:\s*(\d+) kB$/m) / 1_024;
/** Bytes that it has read, of files and of sockets. */
const read = (broker: BrokerProcess): number => proc(broker, 'io', /^rchar: (\d+)$/m);

async function sendLarge(connection: Connection): Promise<number> {
  const header = { a: 'p', b: 'large', c: 'TBW102', d: 1, e: 0, f: 0, g: Date.now(), h: 0 };
  const i = encodeProperties([['UNIQ_KEY', 'k']]);
  const options = { body: Buffer.alloc(MESSAGE_BYTES, 'x'), timeout: 30_000 };
  return (await connection.request(Requests.SEND_MESSAGE_V2, { ...header, i }, options)).code;
}

const pullOf = (queueOffset: number): HeaderOf<typeof Requests.PULL_MESSAGE> => ({
  consumerGroup: 'readers',
  topic: 'large',
  queueId: 0,
  queueOffset,
  maxMsgNums: 32,
  sysFlag: 4,
  commitOffset: 0,
  suspendTimeoutMillis: 0,
  subVersion: 0,
  subscription: '*',
});

/** @returns how many bytes were answered */
async function readAll(connection: Connection): Promise<number> {
  let bytes = 0;
  for (let offset = 0; offset < MESSAGES;) {
    const { body, header } = await connection.request(Requests.PULL_MESSAGE, pullOf(offset), { timeout: 30_000 });
    // Its size is the first thing in a record; decoding it all would hold up those who measure.
    expect(body.readInt32BE(0)).toBe(body.length);
    bytes += body.length;
    offset = header.nextBeginOffset ?? MESSAGES;
  }
  return bytes;
}

/** A broker that has the messages on its disk and not in memory. */
async function withBacklog(): Promise<BrokerProcess> {
  const store = join(temporaryFolder('hostile'), 'store');
  const filled = await BrokerProcess.start({ store });
  const connection = await filled.connect();
  for (let i = 0; i < MESSAGES; i++) expect(await sendLarge(connection)).toBe(0);
  await filled.stop();
  return BrokerProcess.start({ store });
}

/** Sends small requests until stopped. Resolves with the time of each answer, the longest first. */
function askOn(connection: Connection): { stop(): Promise<number[]> } {
  let going = true;
  const asking = (async () => {
    const took: number[] = [];
    while (going) {
      const start = performance.now();
      await connection.request(Requests.GET_MAX_OFFSET, { topic: 'large', queueId: 0 });
      took.push(Math.round(performance.now() - start));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return took.sort((one, other) => other - one);
  })();
  return {
    stop: () => {
      going = false;
      return asking;
    },
  };
}

/** The longest answer but for hiccups, ms. */
const longest = (took: number[]): number => took[Math.ceil(took.length / HICCUP_IN)]!;

/** What an answer may take, ms, where one took so long without a hostile peer. */
const bearable = (without: number): number =>
  Math.min(LONGEST_ON_ANY_MACHINE_MS, Math.max(LONGEST_ANSWER_MS, MOST_SLOWER * without));

/** The longest answer within so many ms, but for hiccups. */
async function longestIn(connection: Connection, ms: number): Promise<number> {
  const asked = askOn(connection);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return longest(await asked.stop());
}

/** The longest answer in the best of some windows: other processes take the processor from one of them, not from all. */
async function longestInCalm(connection: Connection, enough: number): Promise<number> {
  let least = Infinity;
  for (let window = 0; window < MOST_WINDOWS && least >= enough; window++)
    least = Math.min(least, await longestIn(connection, 500));
  return least;
}

/** Resolves when the broker reads no more than small requests. */
async function untilQuiet(broker: BrokerProcess): Promise<void> {
  for (let before = 0, now = read(broker); now - before > MB; now = read(broker)) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}

function socketTo({ address }: BrokerProcess): Socket {
  const [host, port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

function pullFrame(opaque: number): Buffer {
  const extFields = emptyFields();
  Requests.PULL_MESSAGE.header.encode(pullOf(opaque % MESSAGES), extFields);
  const command = {
    code: Requests.PULL_MESSAGE.code,
    language: 'JAVA',
    version: 400,
    opaque,
    flag: 0,
    remark: undefined,
  };
  return encodeFrame({ ...command, extFields, body: NO_BODY, serializeType: 'json' });
}

describe(`a broker with ${MESSAGES} messages of 4 MB on its disk`, () => {
  it('reads no more than it answers, and serves others in time, whether the peer reads or not', async () => {
    const broker = await withBacklog();
    const askedBefore = askOn(await broker.connect());
    const honest = await broker.connect();
    let before = read(broker);
    const alone = await readAll(honest);
    expect((read(broker) - before) / alone).toBeLessThan(MOST_READ);
    const without = longest(await askedBefore.stop());
    const asked = askOn(await broker.connect());
    for (let i = 0; i < 10; i++) {
      const socket = socketTo(broker).pause();
      for (let opaque = 0; opaque < 200; opaque++) socket.write(pullFrame(opaque));
    }
    await untilQuiet(broker);
    before = read(broker);
    const beside = await readAll(honest);
    expect((read(broker) - before) / beside).toBeLessThan(MOST_READ);
    expect(longest(await asked.stop())).toBeLessThan(bearable(without));
    expect(peak(broker)).toBeLessThan(MOST_MB);
    expect((await broker.stop()).code).toBe(0);
  });
});

describe('a broker that is sent 40 halves of frames of 16 MiB', () => {
  it('stays small, answers others at once, and takes a large message among them', async () => {
    const broker = await BrokerProcess.start({ store: join(temporaryFolder('halves'), 'store') });
    const connection = await broker.connect();
    const without = await longestIn(connection, 500);
    const half = Buffer.alloc(12 * MB);
    half.writeUInt32BE(16 * MB - 4, 0);
    half.writeUInt32BE(2, 4);
    for (let i = 0; i < 40; i++) socketTo(broker).write(half);
    await untilQuiet(broker);
    expect(await sendLarge(connection)).toBe(0);
    const most = bearable(without);
    expect(await longestInCalm(await broker.connect(), most)).toBeLessThan(most);
    expect(peak(broker)).toBeLessThan(MOST_MB);
    expect((await broker.stop()).code).toBe(0);
  });
});

describe('a broker that is sent a flood of bad frames', () => {
  it('logs a few of them, and their number', async () => {
    const broker = await BrokerProcess.start({ store: join(temporaryFolder('flood'), 'store') });
    const closed = Array.from({ length: 300 }, () => {
      const socket = socketTo(broker).resume();
      socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await Promise.all(closed);
    expect((await broker.stop()).code).toBe(0);
    const told = broker.child
      .failure('')
      .message.split('\n')
      .filter((line) => / WARN /.test(line));
    expect(told).toHaveLength(11);
    expect(told[10]).toMatch(/290 more/);
  });
});
