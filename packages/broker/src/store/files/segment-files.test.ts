import { describe, expect, it } from '@jest/globals';
import { memoryFileSystem } from './memory-file-system.js';
import { OpenFiles } from './open-files.js';
import { SegmentFiles } from './segment-files.js';

const SIZE = 100;
const FOLDER = '/store/commitlog';

function filesOn(disk = memoryFileSystem()): { disk: ReturnType<typeof memoryFileSystem>; files: SegmentFiles } {
  return { disk, files: new SegmentFiles(new OpenFiles(disk, 4), FOLDER, SIZE, 1) };
}

async function withFiles(...starts: number[]): Promise<ReturnType<typeof filesOn>> {
  const made = filesOn();
  for (const start of starts) {
    await made.files.ensure(start);
    await made.files.writeFully(Buffer.alloc(SIZE, start / SIZE + 1), 0, SIZE, start);
  }
  return made;
}

describe('T194: a row of files of one size', () => {
  it.each([[[]], [[0]], [[0, 100, 200]], [[300, 400]]])(
    '%j has a first and an end, and the same when it is opened again',
    async (starts) => {
      const { disk, files } = await withFiles(...starts);
      const again = await filesOn(disk).files.load(false);
      for (const one of [files, again]) {
        expect(one.starts).toEqual(starts);
        expect([one.first, one.end]).toEqual(starts.length > 0 ? [starts[0], starts.at(-1)! + SIZE] : [0, 0]);
      }
    },
  );

  it('finds the file of a position, also where the first does not begin at 0', async () => {
    const { files } = await withFiles(300, 400);
    const byte = Buffer.alloc(1);
    const at = async (position: number): Promise<number | undefined> =>
      (await files.read(byte, 0, 1, position)) === 1 ? byte[0] : undefined;
    expect(await Promise.all([299, 500].map(at))).toEqual([undefined, undefined]);
    for (const [position, wanted] of [
      [300, 4],
      [399, 4],
      [400, 5],
      [499, 5],
    ] as const) {
      expect(await at(position)).toBe(wanted);
    }
  });

  it('reads within one file only, and no more than it has', async () => {
    const { files } = await withFiles(0, 100);
    const bytes = Buffer.alloc(50);
    expect(await files.read(bytes, 0, 50, 80)).toBe(20);
    expect(await files.read(bytes, 0, 50, 100)).toBe(50);
  });

  it('goes on behind its last file, and is without those that were removed', async () => {
    const { disk, files } = await withFiles(0, 100);
    await files.ensure(200);
    await files.remove(0);
    await files.remove(0);
    expect([files.first, files.end, files.has(0), files.has(200)]).toEqual([100, 300, false, true]);
    expect(disk.listSync(FOLDER).map(({ name }) => name)).toEqual(['00000000000000000100', '00000000000000000200']);
    await files.removeAll();
    expect([files.first, files.end, disk.files.size]).toEqual([0, 0, 0]);
  });
});
