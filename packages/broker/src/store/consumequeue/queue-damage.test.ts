// Consume queue files of a store are gone, cut, overwritten, swapped or replaced while it is stopped: every message that
// was acknowledged is served from its own place, and no place is given twice. CRASH_LONG=1 tries each damage on each store.
import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { MemoryFileSystem } from '../files/memory-file-system.js';
import { memoryFileSystem } from '../files/memory-file-system.js';
import type { MessageStore, StoreOptions } from '../store.js';
import { partOf } from '../../../../remoting/test-kit/breadth.js';
import { bodies, killed, message, openStore } from '../../../test-kit/store.js';

const FOLDER = '/store/consumequeue';
/** As the broker's: plain, retry, delay and half topics. */
const TOPICS = ['U', '%RETRY%g', 'SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC'];
/** Of each queue; a file has 10 entries. */
const COUNT = 45;
const SIZES = { mappedFileSizeConsumeQueue: 200, mappedFileSizeCommitLog: 20_000 };
const PLACES = [
  { topic: 'T', queueId: 0 },
  { topic: 'T', queueId: 1 },
  ...TOPICS.map((topic) => ({ topic, queueId: 0 })),
];

const bodyOf = (topic: string, queueId: number, i: number): string => `${topic}/${queueId}/${i}`;

function send(store: MessageStore, from: number, to: number): void {
  for (let i = from; i < to; i++)
    for (const { topic, queueId } of PLACES) {
      const deliverDelayMs = topic === 'SCHEDULE_TOPIC_XXXX' ? 1_000 : 0;
      const properties = { DELAY: '1', TAGS: 'red' };
      store.append(message({ topic, queueId, body: bodyOf(topic, queueId, i), properties, deliverDelayMs }));
    }
}

/** What a store leaves behind that was stopped or killed, when it had been idle for long or not. */
async function left(stop: 'stopped' | 'killed', before: 'idle' | 'busy'): Promise<MemoryFileSystem> {
  const fileSystem = memoryFileSystem();
  const clock = new ManualClock(1_700_000_000_000);
  const store = await openStore({ fileSystem, clock, ...SIZES });
  send(store, 0, 25);
  await store.drain();
  // The checkpoint is at the end of the log afterwards.
  await clock.advance(12_000);
  send(store, 25, COUNT);
  await store.drain();
  if (before === 'idle') await clock.advance(12_000);
  const asKilled = killed(fileSystem);
  await store.close();
  return stop === 'killed' ? asKilled : fileSystem;
}

const LEFT = new Map<string, Promise<MemoryFileSystem>>();
async function copyOfLeft(stop: 'stopped' | 'killed', before: 'idle' | 'busy'): Promise<MemoryFileSystem> {
  const name = `${stop} ${before}`;
  LEFT.set(name, LEFT.get(name) ?? left(stop, before));
  return killed(await LEFT.get(name)!);
}

const fileName = (index: number): string => String(index * 200).padStart(20, '0');
const filesIn = (files: MemoryFileSystem, folder: string): string[] =>
  [...files.files.keys()].filter((path) => path.startsWith(`${folder}/`) || path === folder);

/** Paths that a scope is made of; each is a file or a folder. */
const SCOPES: Record<string, string> = {
  'the first file': `${FOLDER}/T/0/${fileName(0)}`,
  'a file in the middle': `${FOLDER}/T/0/${fileName(2)}`,
  'the last file': `${FOLDER}/T/0/${fileName(4)}`,
  'one queue': `${FOLDER}/T/0`,
  'one topic': `${FOLDER}/T`,
  'all of consumequeue': FOLDER,
};

function overwrite(files: MemoryFileSystem, path: string, bytes: (size: number) => [at: number, bytes: Buffer]): void {
  const file = files.openSync(path, 'write');
  const [at, written] = bytes(file.content.size);
  file.writeSync(written, 0, written.length, at);
}

const each =
  (change: (files: MemoryFileSystem, path: string) => void) =>
  (files: MemoryFileSystem, scope: string): void => {
    for (const path of filesIn(files, scope)) change(files, path);
  };

const DAMAGES: Record<string, (files: MemoryFileSystem, scope: string) => void> = {
  removed: (files, scope) => files.removeTreeSync(scope),
  'cut to nothing': each((files, path) => files.openSync(path, 'write').truncateSync(0)),
  'cut to half': each((files, path) => files.openSync(path, 'write').truncateSync(100)),
  'cut within an entry': each((files, path) => files.openSync(path, 'write').truncateSync(67)),
  zeroed: each((files, path) => overwrite(files, path, (size) => [0, Buffer.alloc(size)])),
  'zeroed in the middle': each((files, path) => overwrite(files, path, () => [30, Buffer.alloc(50)])),
  'zeroed at the end': each((files, path) => overwrite(files, path, () => [80, Buffer.alloc(120)])),
  'overwritten with garbage': each((files, path) => overwrite(files, path, (size) => [0, Buffer.alloc(size, 0xa5)])),
  'one bit off': each((files, path) => overwrite(files, path, () => [33, Buffer.from([0x11])])),
  'longer than it was': each((files, path) => overwrite(files, path, (size) => [size, Buffer.alloc(77, 7)])),
  'filled behind its end': each((files, path) => overwrite(files, path, (size) => [size - 40, Buffer.alloc(40, 1)])),
  'swapped with that of another queue': each((files, path) => swap(files, path, other(path))),
  'replaced by that of another queue': each((files, path) => {
    const content = files.files.get(other(path));
    if (content) files.files.set(path, content.clone());
  }),
  'replaced by a folder or a file': (files, scope) => {
    const wasFile = /\d{20}$/.test(scope);
    files.removeTreeSync(scope);
    if (wasFile) {
      files.makeDirectorySync(scope);
      files.openSync(`${scope}/notes`, 'create');
    } else files.openSync(scope, 'create').writeSync(Buffer.from('mine'), 0, 4, 0);
  },
};

function other(path: string): string {
  return path.replace(/\/([01])\/(\d{20})$/, (_, queueId, name) => `/${1 - Number(queueId)}/${name}`);
}

function swap(files: MemoryFileSystem, a: string, b: string): void {
  const [first, second] = [files.files.get(a), files.files.get(b)];
  // Both queues of a topic are in a larger scope: each pair is swapped once.
  if (first && second && (a < b || !filesIn(files, FOLDER).includes(b))) {
    files.files.set(a, second);
    files.files.set(b, first);
  }
}

async function opened(
  fileSystem: MemoryFileSystem,
  more: Partial<StoreOptions> = {},
): Promise<{ store: MessageStore; said: string[] }> {
  const said: string[] = [];
  const say = (text: unknown): number => said.push(String(text));
  const logger = { ...silentLogger, warn: say, error: say };
  return { store: await openStore({ fileSystem, logger, ...SIZES, ...more }), said };
}

async function served(store: MessageStore): Promise<string> {
  const found = await Promise.all(PLACES.map(({ topic, queueId }) => bodies(store, topic, queueId)));
  return found.map((one) => one.join()).join('\n');
}

const ALL = PLACES.map(({ topic, queueId }) =>
  Array.from({ length: COUNT }, (_, i) => bodyOf(topic, queueId, i)).join(),
).join('\n');
const nextOffsets = (store: MessageStore): number[] =>
  PLACES.map(({ topic, queueId }) => store.append(message({ topic, queueId })).queueOffset);

/** Entries of each queue that the last checkpoint knew of. */
const notedCount = (stop: string, before: string): number => (stop === 'killed' && before === 'busy' ? 25 : COUNT);

/** The bytes of the first entries of T's queue 0. */
function entries(files: MemoryFileSystem, count: number): string {
  const all = filesIn(files, `${FOLDER}/T/0`)
    .sort()
    .map((path) => {
      const bytes = Buffer.alloc(files.statSync(path)?.size ?? 0);
      if (path.length > `${FOLDER}/T/0/`.length) files.openSync(path, 'read').readSync(bytes, 0, bytes.length, 0);
      const end = Math.min(200, Math.max(0, count * 20 - Number(path.slice(-20))));
      return end > 0 ? `${path} ${files.directories.has(path)} ${bytes.subarray(0, end).toString('hex')}` : '';
    });
  return all.filter((text) => text !== '').join();
}

const STORES = [
  ['stopped', 'idle'],
  ['stopped', 'busy'],
  ['killed', 'idle'],
  ['killed', 'busy'],
] as const;
const CASES = Object.keys(SCOPES).flatMap((scope) => Object.keys(DAMAGES).map((damage) => [scope, damage] as const));

describe.each(STORES)('a store that was %s and was %s before', (stop, before) => {
  const number = STORES.findIndex((one) => one[0] === stop && one[1] === before);
  const cases = partOf(CASES, number, STORES.length);
  const saved = notedCount(stop, before);

  it.each(cases)('serves everything from its place with %s %s', async (scope, damage) => {
    const files = await copyOfLeft(stop, before);
    const undamaged = entries(files, saved);
    DAMAGES[damage]!(files, SCOPES[scope]!);
    const isHarmless = entries(files, saved) === undamaged;
    let { store, said } = await opened(files);
    expect(await served(store)).toBe(ALL);
    if (!isHarmless) expect(said.join('\n')).toMatch(/topic T queue 0 .*offsets? \d+/);
    expect(nextOffsets(store)).toEqual(PLACES.map(() => COUNT));
    await store.drain();
    await store.close();
    if (damage.includes('folder'))
      expect(said.join('\n')).toMatch(/stood where the store needs .* it is .*\.damaged now/);
    // Once it is put right it stays so.
    ({ store, said } = await opened(files));
    expect([(await served(store)).length > ALL.length, said]).toEqual([true, []]);
    await store.close();
  });

  it.each(Object.keys(SCOPES))(
    'serves everything without the checkpoint of its queues, and %s damaged',
    async (scope) => {
      for (const [, damage] of cases.filter(([of]) => of === scope)) {
        const files = await copyOfLeft(stop, before);
        files.removeSync('/store/consumequeue.checkpoint');
        DAMAGES[damage]!(files, SCOPES[scope]!);
        const { store } = await opened(files).catch((error: Error) => {
          // Not one file of the right size is left, and so the option may be wrong.
          expect(error.message).toContain('remove the folder consumequeue: it is rebuilt');
          expect([damage, scope]).toEqual([expect.stringMatching(/cut|longer/), 'all of consumequeue']);
          files.removeTreeSync(FOLDER);
          return opened(files);
        });
        expect([damage, await served(store)]).toEqual([damage, ALL]);
        expect([damage, nextOffsets(store)]).toEqual([damage, PLACES.map(() => COUNT)]);
        await store.close();
      }
    },
  );

  it('has nothing to say when nothing is damaged', async () => {
    const { store, said } = await opened(await copyOfLeft(stop, before));
    expect([await served(store), said]).toEqual([ALL, []]);
    await store.close();
  });
});
