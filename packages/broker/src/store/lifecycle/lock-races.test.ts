// Tests that one of several processes that start on a store at the same time gets it, whichever order their file calls
// come in, and wherever one of them dies.
import { describe, expect, it } from '@jest/globals';
import { isLong } from '../../../../remoting/test-kit/breadth.js';
import { interleave, randomFrom } from '../../../../remoting/test-kit/interleave.js';
import { Died, filesOfProcess } from '../../../test-kit/process-files.js';
import { StoreLockedError } from '../errors.js';
import { memoryFileSystem } from '../files/memory-file-system.js';
import type { MemoryFileSystem } from '../files/memory-file-system.js';
import { LockFile } from './lock-file.js';

const ROOT = '/store';
const DEAD = 999;
const FIRST = 1_001;
const RUNS = Number(process.env['LOCK_RACES'] ?? (isLong ? 30 : 8));

const put = (files: MemoryFileSystem, name: string, text: string): void =>
  void files.openSync(`${ROOT}/${name}`, 'create').writeSync(Buffer.from(text), 0, text.length, 0);

/** As a process that has the id of the dead ones. */
const take = (files: MemoryFileSystem): Promise<LockFile> =>
  LockFile.take({
    fileSystem: filesOfProcess(files, async () => undefined),
    root: ROOT,
    pid: DEAD,
    isAlive: () => false,
  });

/** What the process before has left. */
const priorStates: Record<string, (files: MemoryFileSystem) => unknown> = {
  'never was': () => undefined,
  'closed it': async (files) => (await take(files)).release(true),
  'closed it, without a clean end': async (files) => (await take(files)).release(false),
  died: take,
  'died, and was Apache': (files) => {
    put(files, 'lock', 'lock');
    put(files, 'abort', String(DEAD));
  },
  'died before it had written its id': async (files) => {
    await take(files);
    files.openSync(`${ROOT}/abort`, 'create').truncateSync(0);
  },
  'died while it began to lock': (files) => {
    files.makeDirectorySync(`${ROOT}/lock.d.draft`);
    put(files, 'lock.d.draft/free', '');
  },
  'was of an earlier version, and died while it took over': (files) => {
    put(files, `abort.${DEAD}`, String(DEAD));
    put(files, 'lock', 'lock');
  },
  'lost the file in lock.d with the power': (files) => files.makeDirectorySync(`${ROOT}/lock.d`),
};

/** Where nothing says that the store was left open. */
const CLEAN = ['never was', 'closed it', 'died while it began to lock', 'lost the file in lock.d with the power'];

/** What one process does with the store: keep it, close it again, or die at some call. */
type Life = 'keeps' | 'closes' | 'dies';

class Race {
  readonly files = memoryFileSystem();
  /** Ids of the living processes that have the store open. */
  readonly holders = new Set<number>();
  /** Whether each that got it found it as left by a crash, in the order in which they got it. */
  readonly wasAborted: boolean[] = [];
  mostAtOnce = 0;
  readonly #dead = new Set([DEAD]);

  constructor(readonly random: () => number) {}

  async run(lives: Life[]): Promise<void> {
    await interleave(
      this.random,
      lives.map((life, index) => (turn) => this.#live(life, FIRST + index, turn)),
    );
  }

  async #live(life: Life, pid: number, turn: () => Promise<void>): Promise<void> {
    let callsLeft = life === 'dies' ? Math.floor(this.random() * 30) : Infinity;
    const fileSystem = filesOfProcess(this.files, async () => {
      await turn();
      if (callsLeft-- > 0) return;
      this.#dead.add(pid);
      this.holders.delete(pid);
      throw new Died();
    });
    try {
      const isAlive = (other: number): boolean => !this.#dead.has(other);
      const lock = await LockFile.take({ fileSystem, root: ROOT, pid, isAlive });
      this.holders.add(pid);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.holders.size);
      this.wasAborted.push(lock.wasAborted);
      await turn();
      if (life === 'keeps') return;
      this.holders.delete(pid);
      await lock.release(true);
    } catch (error) {
      if (!(error instanceof StoreLockedError) && !(error instanceof Died)) throw error;
    }
  }

  get abort(): string | undefined {
    const content = this.files.files.get(`${ROOT}/abort`);
    const bytes = Buffer.alloc(content?.size ?? 0);
    content?.read(bytes, 0, bytes.length, 0);
    return content && bytes.toString();
  }
}

const starters: Life[][] = [
  ['keeps', 'keeps', 'keeps'],
  ['keeps', 'keeps', 'closes'],
  ['keeps', 'keeps', 'keeps', 'keeps'],
  ['keeps', 'closes', 'closes', 'closes'],
  ['keeps', 'keeps', 'closes', 'dies'],
  ['keeps', 'dies', 'dies', 'dies'],
];

describe.each(Object.keys(priorStates))('a store whose last process %s', (prior) => {
  it.each(starters.map((lives) => [lives.join(', '), lives] as const))(
    'is had by one at a time of those that start: %s',
    async (_name, lives) => {
      const seed = Date.now() % 1_000_000_000;
      for (let run = 0; run < RUNS; run++) {
        const race = new Race(randomFrom(seed + run));
        race.files.makeDirectorySync(ROOT);
        await priorStates[prior]!(race.files);
        await race.run([...lives]);
        const where = { seed: seed + run };
        expect({ ...where, mostAtOnce: race.mostAtOnce > 1 }).toEqual({ ...where, mostAtOnce: false });
        const [holder] = race.holders;
        if (holder !== undefined) expect({ ...where, abort: race.abort }).toEqual({ ...where, abort: String(holder) });
        if (lives.includes('dies')) {
          // What the dead have left keeps nobody out who starts later.
          if (holder === undefined) await take(race.files);
          continue;
        }
        expect({ ...where, got: race.wasAborted.length > 0 }).toEqual({ ...where, got: true });
        if (holder === undefined) expect({ ...where, abort: race.abort }).toEqual({ ...where, abort: undefined });
        const first = !CLEAN.includes(prior);
        const expected = race.wasAborted.map((_, index) => first && index === 0);
        expect({ ...where, wasAborted: race.wasAborted }).toEqual({ ...where, wasAborted: expected });
      }
    },
  );
});

describe('a process that dies at any file call while it opens or closes a store', () => {
  it.each(Object.keys(priorStates))('leaves one that opens, when the one before %s', async (prior) => {
    for (let calls = 0, through = false; !through; calls++) {
      const files = memoryFileSystem();
      files.makeDirectorySync(ROOT);
      await priorStates[prior]!(files);
      let left = calls;
      const fileSystem = filesOfProcess(files, async () => {
        if (left-- <= 0) throw new Died();
      });
      try {
        const lock = await LockFile.take({ fileSystem, root: ROOT, pid: FIRST, isAlive: () => false });
        await lock.release(true);
        through = true;
      } catch (error) {
        expect(error).toBeInstanceOf(Died);
      }
      const hasAbort = files.statSync(`${ROOT}/abort`) !== undefined;
      const next = await take(files);
      expect({ calls, wasAborted: next.wasAborted }).toEqual({ calls, wasAborted: hasAbort || next.wasAborted });
      await next.release(true);
      const names = files.listSync(ROOT).map(({ name }) => name);
      expect(names.filter((name) => !name.startsWith('lock.d.'))).toEqual(['lock', 'lock.d']);
      expect(files.listSync(`${ROOT}/lock.d`)).toEqual([{ name: 'free', directory: false }]);
    }
  });
});
