// Files of the commit log are gone, empty, cut or overwritten while the store is stopped: what is lost is named, all else
// is served, and no place in a queue is given twice. CRASH_LONG=1 tries each damage on each store.
import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { MemoryFileSystem } from '../files/memory-file-system.js';
import { memoryFileSystem } from '../files/memory-file-system.js';
import type { MessageStore } from '../store.js';
import { partOf } from '../../../../remoting/test-kit/breadth.js';
import { bodyOf, killed, message, openStore, records } from '../../../test-kit/store.js';

const FILE = 20_000;
const SIZES = { mappedFileSizeCommitLog: FILE, mappedFileSizeConsumeQueue: 200, maxMessageSize: 4_096 };
const PLACES = ['T', 'U'].flatMap((topic) => [0, 1].map((queueId) => ({ topic, queueId })));
/** Of each queue; some 40 fit into a file of the log. */
const COUNT = 60;

interface Sent {
  topic: string;
  queueId: number;
  queueOffset: number;
  body: string;
  physicalOffset: number;
  end: number;
}

interface Left {
  files: MemoryFileSystem;
  sent: Sent[];
}

function send(store: MessageStore, from: number, to: number, sent: Sent[]): void {
  for (let i = from; i < to; i++)
    for (const { topic, queueId } of PLACES) {
      const body = `${topic}/${queueId}/${i}`.padEnd(400);
      const { queueOffset, physicalOffset, size } = store.append(message({ topic, queueId, body }));
      sent.push({ topic, queueId, queueOffset, body, physicalOffset, end: physicalOffset + size });
    }
}

async function left(stop: string, before: string): Promise<Left> {
  const fileSystem = memoryFileSystem();
  const clock = new ManualClock(1_700_000_000_000);
  const store = await openStore({ fileSystem, clock, ...SIZES });
  const sent: Sent[] = [];
  send(store, 0, 35, sent);
  await store.drain();
  await clock.advance(12_000);
  send(store, 35, COUNT, sent);
  await store.drain();
  if (before === 'idle') await clock.advance(12_000);
  const asKilled = killed(fileSystem);
  await store.close();
  return { files: stop === 'killed' ? asKilled : fileSystem, sent };
}

const pathOf = (file: number): string => `/store/commitlog/${String(file * FILE).padStart(20, '0')}`;

/** What each makes of a file; and from where on in it nothing is left. */
const DAMAGES: Record<string, [damage: (files: MemoryFileSystem, path: string) => void, leftBytes: number]> = {
  removed: [(files, path) => files.removeSync(path), 0],
  emptied: [(files, path) => files.openSync(path, 'write').truncateSync(0), 0],
  'cut to half': [(files, path) => files.openSync(path, 'write').truncateSync(FILE / 2), FILE / 2],
  'replaced by a folder': [
    (files, path) => {
      files.removeSync(path);
      files.makeDirectorySync(path);
    },
    0,
  ],
  zeroed: [(files, path) => files.openSync(path, 'write').writeSync(Buffer.alloc(FILE), 0, FILE, 0), 0],
};

const LEFT = new Map<string, Promise<Left>>();
async function copyOfLeft(stop: string, before: string): Promise<Left> {
  const name = `${stop} ${before}`;
  LEFT.set(name, LEFT.get(name) ?? left(stop, before));
  const { files, sent } = await LEFT.get(name)!;
  return { files: killed(files), sent };
}

async function opened(fileSystem: MemoryFileSystem): Promise<{ store: MessageStore; said: string[] }> {
  const said: string[] = [];
  const say = (text: unknown): number => said.push(String(text));
  return { store: await openStore({ fileSystem, logger: { ...silentLogger, warn: say, error: say }, ...SIZES }), said };
}

/** Bodies by place, read by pulls. */
async function served(store: MessageStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { topic, queueId } of PLACES) {
    let pulls = 0;
    for (let offset = store.minOffset(topic, queueId); offset < store.maxOffset(topic, queueId);) {
      const { body, nextBeginOffset } = await store.getMessage(topic, queueId, offset, 32, 262_144);
      for (const record of records(body)) found.set(`${topic}/${queueId}/${record.readBigInt64BE(20)}`, bodyOf(record));
      if (nextBeginOffset <= offset || ++pulls > COUNT) throw new Error(`no way on from ${offset}`);
      offset = nextBeginOffset;
    }
  }
  return found;
}

const placesOf = (sent: Sent[]): Map<string, string> =>
  new Map(sent.map(({ topic, queueId, queueOffset, body }) => [`${topic}/${queueId}/${queueOffset}`, body]));

/** Whether a line of the log names the range of bytes that the message was in. */
function isNamed(said: string[], { physicalOffset, end }: Sent): boolean {
  return said.some((text) => {
    const [, from, to] = /the bytes (\d+) to (\d+) of the commit log/.exec(text) ?? [];
    const [, size, at] = /the record of (\d+) bytes at (\d+) of the commit log/.exec(text) ?? [];
    return (Number(from) < end && Number(to) > physicalOffset) || (Number(at) === physicalOffset && Number(size) > 0);
  });
}

const STORES = [
  ['stopped', 'idle'],
  ['stopped', 'busy'],
  ['killed', 'idle'],
  ['killed', 'busy'],
] as const;
const CASES = ['', ', and without its consume queues', ', and without anything but its log'].flatMap((more) =>
  Object.keys(DAMAGES).flatMap((damage) => [0, 2, 5].map((file) => [damage, file, more] as const)),
);

describe.each(STORES)('a store that was %s and was %s before', (stop, before) => {
  const number = STORES.findIndex((one) => one[0] === stop && one[1] === before);

  it.each(partOf(CASES, number, STORES.length))(
    'names what is lost with a file %s (number %i of its log%s)',
    async (damage, number, more) => {
      const { files, sent } = await copyOfLeft(stop, before);
      const [damaging, leftBytes] = DAMAGES[damage]!;
      damaging(files, pathOf(number));
      if (more !== '') files.removeTreeSync('/store/consumequeue');
      if (more.includes('anything'))
        for (const name of ['consumequeue.checkpoint', 'checkpoint']) files.removeSync(`/store/${name}`);
      const inFile = ({ physicalOffset, end }: Sent): boolean =>
        physicalOffset >= number * FILE && physicalOffset < (number + 1) * FILE && end > number * FILE + leftBytes;
      for (const life of [1, 2]) {
        const { store, said } = await opened(files);
        if (life === 2 && more !== '' && number > 0) expect(said.join()).toMatch(/bytes \d+ to \d+/);
        const found = await served(store);
        const lost = sent.filter(inFile);
        expect(lost.length).toBeGreaterThan(10);
        const wanted = placesOf(sent.filter((one) => !inFile(one)));
        expect([...wanted].filter(([place, body]) => found.get(place) !== body)).toEqual([]);
        // With nothing to compare with, files at the beginning of the log may have been old.
        const isKnown = !more.includes('anything') || number === 2;
        // What was stored behind the last checkpoint, and has gone with the end of the log, nobody can know of.
        if (number === 5 && (!isKnown || (stop === 'killed' && before === 'busy'))) return store.close();
        if (isKnown && life === 1) expect(lost.filter((one) => !isNamed(said, one))).toEqual([]);
        if (isKnown && life === 2 && number > 0) expect(said.join()).toMatch(/bytes \d+ to \d+|record of/);
        const appended = PLACES.map(({ topic, queueId }) => ({ ...store.append(message({ topic, queueId })) }));
        const next = appended.map(({ queueOffset }) => queueOffset);
        // No position of the log is given twice, either: message ids are made of them.
        expect(appended[0]!.physicalOffset).toBeGreaterThanOrEqual(Math.max(...sent.map(({ end }) => end)));
        expect(next).toEqual(PLACES.map(() => COUNT + life - 1));
        await store.drain();
        await store.close();
      }
    },
  );
});

describe('a store that knows nothing but its log', () => {
  it('serves the rest of a file whose first record is damaged, behind a file that is gone', async () => {
    const { files, sent } = await copyOfLeft('stopped', 'idle');
    files.removeTreeSync('/store/consumequeue');
    for (const name of ['consumequeue.checkpoint', 'checkpoint']) files.removeSync(`/store/${name}`);
    files.removeSync(pathOf(2));
    files.openSync(pathOf(3), 'write').writeSync(Buffer.from([9]), 0, 1, 95);
    const { store } = await opened(files);
    const lost = sent.filter(({ physicalOffset }) => physicalOffset >= 2 * FILE && physicalOffset <= 3 * FILE);
    expect(await served(store)).toEqual(placesOf(sent.filter((one) => !lost.includes(one))));
    await store.close();
  });
});
