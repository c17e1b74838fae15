// A broker is killed at every change of its files while it delivers what is due or carries out a verdict. However far it
// had come: no message is lost, none is delivered twice.
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  SysFlag,
  decodeOffsetMsgId,
  decodeRecord,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import { KillPoints, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { BrokerOptions } from '../config/broker-options.js';
import type { MemoryFileSystem } from '../store/files/memory-file-system.js';
import { killed } from '../../test-kit/store.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const SMALL: BrokerOptions = {
  mappedFileSizeCommitLog: 65_536,
  mappedFileSizeConsumeQueue: 400,
  messageIndexEnable: false,
  flushDelayOffsetInterval: 700,
};

const bodies = async (client: TestClient, topic: string): Promise<string[]> =>
  (await client.messages(topic)).map((message) => message.body.toString());

/** Removes from the file what an earlier version, or Apache, does not write. */
function withoutLogOffset(files: MemoryFileSystem): void {
  for (const path of ['/store/config/delayOffset.json', '/store/config/delayOffset.json.bak']) {
    const { size } = files.statSync(path) ?? { size: 0 };
    if (size === 0) continue;
    const bytes = Buffer.alloc(size);
    const file = files.openSync(path, 'write');
    file.readSync(bytes, 0, size, 0);
    const { logOffset: _ours, ...rest } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    const text = Buffer.from(JSON.stringify(rest));
    file.truncateSync(0);
    file.writeSync(text, 0, text.length, 0);
  }
}

/** The files at each point of a life in which two levels of messages, all alike, fall due; and what was sent. */
async function pointsOfDelivery(): Promise<{ points: MemoryFileSystem[]; sent: string[] }> {
  const fileSystem = new KillPoints();
  running = await TestBroker.start({ fileSystem, ...SMALL });
  const client = await running.client();
  const sent: string[] = [];
  for (let round = 0; round < 3; round++) {
    fileSystem.recording = false;
    for (let i = 0; i < 4; i++) {
      // Without a key of its own nothing but its place tells one from the next.
      const body = i < 2 ? 'alike' : `${round}-${i}`;
      const properties = { UNIQ_KEY: 'alike', DELAY: String(1 + (i % 2)) };
      await client.send('t', { body, properties, header: { g: 7 } });
      sent.push(body);
    }
    // What is acknowledged is to come from any point behind.
    if (round < 2) await running.clock.advance(5 * SECOND + 200);
  }
  fileSystem.recording = true;
  await running.clock.advance(6 * SECOND);
  fileSystem.recording = false;
  return { points: fileSystem.points, sent: sent.sort() };
}

async function deliveredAfter(files: MemoryFileSystem): Promise<string[]> {
  await running.killAndRestart(files);
  await running.clock.advance(10 * SECOND);
  return (await bodies(await running.client(), 't')).sort();
}

describe('a delayed message', () => {
  it('is delivered once, wherever in the delivery the broker is killed', async () => {
    const { points, sent } = await pointsOfDelivery();
    expect(points.length).toBeGreaterThan(10);
    for (const [point, files] of points.entries())
      expect({ point, delivered: await deliveredAfter(files) }).toEqual({ point, delivered: sent });
  });

  it('is delivered once when it is killed again while it delivers the rest', async () => {
    const { points, sent } = await pointsOfDelivery();
    for (let point = 0; point < points.length; point += 7) {
      await running.killAndRestart(points[point]);
      await running.clock.advance(800);
      expect({ point, delivered: await deliveredAfter(points[point]) }).toEqual({ point, delivered: sent });
    }
  });

  it.each(['delayOffset.json', 'both it and its backup'])('is delivered once when %s is gone', async (what) => {
    const { points, sent } = await pointsOfDelivery();
    for (let point = 0; point < points.length; point += 5) {
      const files = points[point];
      files.removeSync('/store/config/delayOffset.json');
      if (what !== 'delayOffset.json') files.removeSync('/store/config/delayOffset.json.bak');
      expect({ point, delivered: await deliveredAfter(files) }).toEqual({ point, delivered: sent });
    }
  });

  it('is delivered once when the file does not say up to where in the log it counts, as Apache’s does not', async () => {
    const { points, sent } = await pointsOfDelivery();
    for (let point = 0; point < points.length; point += 5) {
      withoutLogOffset(points[point]);
      expect({ point, delivered: await deliveredAfter(points[point]) }).toEqual({ point, delivered: sent });
    }
  });

  it('is looked for in the log from where the last save was, however much was sent since without a delay', async () => {
    const fileSystem = new KillPoints();
    running = await TestBroker.start({ fileSystem, messageIndexEnable: false, flushDelayOffsetInterval: 1_000 });
    const client = await running.client();
    await client.send('t', { body: 'due', properties: { DELAY: '1' } });
    await running.clock.advance(3 * SECOND);
    for (let i = 0; i < 12; i++) await client.send('other', { body: 'x'.repeat(100_000) });
    await running.clock.advance(2 * SECOND);
    const saved = JSON.parse(textOf(killed(fileSystem), '/store/config/delayOffset.json')) as { logOffset: number };
    expect(saved.logOffset).toBeGreaterThan(1_000_000);
    expect(await deliveredAfter(killed(fileSystem))).toEqual(['due']);
  });
});

function textOf(files: MemoryFileSystem, path: string): string {
  const { size } = files.statSync(path)!;
  const bytes = Buffer.alloc(size);
  files.openSync(path, 'read').readSync(bytes, 0, size, 0);
  return bytes.toString();
}

const PREPARED = { sysFlag: SysFlag.TRANSACTION_PREPARED, properties: { TRAN_MSG: 'true', PGROUP: 'p' } };

/** A producer that commits whatever it is asked about. */
async function producer(): Promise<TestClient> {
  const client: TestClient = await running.client(
    handlerTable({
      CHECK_TRANSACTION_STATE: ({ header, body }) => {
        const { tranStateTableOffset, commitLogOffset } = header;
        const { properties } = decodeRecord(Buffer.from(body));
        const msgId = properties.get(MessageProperty.UNIQ_KEY) ?? '';
        const place = { tranStateTableOffset, commitLogOffset, msgId };
        const verdict = { producerGroup: 'p', commitOrRollback: SysFlag.TRANSACTION_COMMIT, ...place };
        void client.connection.request(Requests.END_TRANSACTION, { ...verdict, fromTransactionCheck: true });
        return undefined;
      },
    }),
  );
  await client.produce('producer', 'p');
  return client;
}

describe('a transaction', () => {
  async function pointsOfCommit(delay?: string): Promise<MemoryFileSystem[]> {
    const fileSystem = new KillPoints();
    running = await TestBroker.start({ fileSystem, ...SMALL, logger: silentLogger });
    const client = await running.client();
    const properties = { ...PREPARED.properties, ...(delay && { DELAY: delay }) };
    const halves = await Promise.all(
      ['a', 'b', 'c'].map((body) =>
        client.send('t', { ...PREPARED, body, properties: { ...properties, UNIQ_KEY: body } }),
      ),
    );
    fileSystem.recording = true;
    for (const { header } of halves) {
      const { msgId = '', queueOffset = -1 } = header;
      await client.connection.request(Requests.END_TRANSACTION, {
        producerGroup: 'p',
        tranStateTableOffset: queueOffset,
        commitLogOffset: decodeOffsetMsgId(msgId).physicalOffset,
        commitOrRollback: SysFlag.TRANSACTION_COMMIT,
        msgId: 'x',
      });
    }
    await running.clock.advance(6 * SECOND);
    fileSystem.recording = false;
    return fileSystem.points;
  }

  it.each([undefined, '1'])(
    'with delay level %s is delivered once, wherever in the commit it is killed',
    async (delay) => {
      const points = await pointsOfCommit(delay);
      expect(points.length).toBeGreaterThan(5);
      for (const [point, files] of points.entries()) {
        await running.killAndRestart(files);
        await producer();
        await running.clock.advance(2 * MINUTE);
        const delivered = (await bodies(await running.client(), 't')).sort();
        expect({ point, delivered }).toEqual({ point, delivered: ['a', 'b', 'c'] });
      }
    },
  );

  it('that is asked about is delivered once, wherever in the asking and answering it is killed', async () => {
    const fileSystem = new KillPoints();
    running = await TestBroker.start({ fileSystem, ...SMALL });
    await (await producer()).send('t', { ...PREPARED, body: 'asked' });
    fileSystem.recording = true;
    await running.clock.advance(40 * SECOND);
    fileSystem.recording = false;
    expect(fileSystem.points.length).toBeGreaterThan(5);
    for (const [point, files] of fileSystem.points.entries()) {
      await running.killAndRestart(files);
      await producer();
      await running.clock.advance(2 * MINUTE);
      expect({ point, delivered: await bodies(await running.client(), 't') }).toEqual({ point, delivered: ['asked'] });
    }
  });
});
