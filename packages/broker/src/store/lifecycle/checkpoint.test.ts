import { describe, expect, it } from '@jest/globals';
import { memoryFileSystem } from '../files/memory-file-system.js';
import { fileError } from '../errors.js';
import { Checkpoint } from './checkpoint.js';

const PATH = '/store/checkpoint';

async function saved(fields: Partial<Checkpoint> = {}): Promise<ReturnType<typeof memoryFileSystem>> {
  const disk = memoryFileSystem();
  await disk.makeDirectory('/store');
  await Object.assign(new Checkpoint(disk, '/store'), fields).save();
  return disk;
}

const timesOf = ({ physicMsgTimestamp, logicsMsgTimestamp, indexMsgTimestamp }: Checkpoint): number[] => [
  physicMsgTimestamp,
  logicsMsgTimestamp,
  indexMsgTimestamp,
];

describe('T197: the checkpoint', () => {
  const times = { physicMsgTimestamp: 1_700_000_000_003, logicsMsgTimestamp: 1_700_000_000_002, indexMsgTimestamp: 7 };

  it('gives the three times back that were saved', async () => {
    const again = await new Checkpoint(await saved(times), '/store').load();
    expect(timesOf(again)).toEqual(Object.values(times));
    expect(again.whole).toBe(true);
  });

  it("has them where Apache's broker looks for them, as three longs at the file's beginning", async () => {
    const disk = await saved(times);
    const bytes = Buffer.alloc(24);
    disk.files.get(PATH)!.read(bytes, 0, 24, 0);
    expect([0, 8, 16].map((at) => Number(bytes.readBigInt64BE(at)))).toEqual(Object.values(times));
    expect((await disk.stat(PATH))!.size).toBe(4_096);
  });

  it('reads as zeros when it is missing, too short, or damaged anywhere', async () => {
    const none = memoryFileSystem();
    expect(timesOf(await new Checkpoint(none, '/store').load())).toEqual([0, 0, 0]);
    for (let at = 0; at < 24; at++) {
      const disk = await saved(times);
      const file = disk.openSync(PATH, 'create');
      const byte = Buffer.alloc(1);
      disk.files.get(PATH)!.read(byte, 0, 1, at);
      byte[0]! ^= 0x10;
      file.writeSync(byte, 0, 1, at);
      expect(timesOf(await new Checkpoint(disk, '/store').load())).toEqual([0, 0, 0]);
    }
    for (const code of ['EIO', 'EISDIR']) {
      const disk = await saved(times);
      disk.openSync = () => {
        throw fileError(code, PATH);
      };
      expect(timesOf(await new Checkpoint(disk, '/store').load())).toEqual([0, 0, 0]);
    }
    const short = await saved(times);
    short.openSync(PATH, 'create').truncateSync(100);
    expect(timesOf(await new Checkpoint(short, '/store').load())).toEqual([0, 0, 0]);
  });
});
