import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { ConfigFile } from '../metadata/config-file.js';
import { memoryFileSystem } from '../store/files/memory-file-system.js';
import { ROOT, message, openStore } from '../../test-kit/store.js';
import { DelayOffsets, readDelayOffsets } from './delay-offsets.js';

const PATH = `${ROOT}/config/delayOffset.json`;

async function opened() {
  const clock = new ManualClock();
  const fileSystem = memoryFileSystem();
  const store = await openStore({ fileSystem, clock });
  const file = new ConfigFile({ fileSystem, path: PATH });
  const options = { store, file, clock, logger: silentLogger, flushDelayOffsetInterval: 1_000 };
  const offsets = new DelayOffsets({ ...options, offsets: new Map() });
  const append = async (): Promise<number> => {
    store.append(message({ body: 'x'.repeat(1_000) }));
    await store.drain();
    return store.metrics.committedOffset;
  };
  const saved = async () =>
    readDelayOffsets((await new ConfigFile({ fileSystem, path: PATH }).load()).saved, silentLogger);
  return { clock, offsets, append, saved };
}

describe('the offsets of delayed messages', () => {
  it('are saved with the end of the log that they count up to', async () => {
    const { clock, offsets, append, saved } = await opened();
    offsets.set(3, 7);
    const end = await append();
    await clock.advance(1_000);
    expect(await saved()).toMatchObject({ offsets: new Map([[3, 7]]), logOffset: end, whole: true });
  });

  it('do not count what was stored and is not noted yet', async () => {
    const { clock, offsets, append, saved } = await opened();
    const before = await append();
    const noted = offsets.hold();
    await append();
    const later = offsets.hold();
    const end = await append();
    offsets.set(1, 1);
    await clock.advance(1_000);
    expect((await saved()).logOffset).toBe(before);
    noted();
    later();
    offsets.set(1, 2);
    await clock.advance(1_000);
    expect((await saved()).logOffset).toBe(end);
  });

  it('are saved when the log has grown though none of them has changed', async () => {
    const { clock, append, saved } = await opened();
    let end = 0;
    while (end < 1024 * 1024) end = await append();
    await clock.advance(1_000);
    expect((await saved()).logOffset).toBe(end);
  });
});
