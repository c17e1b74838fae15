import { afterEach, describe, expect, it } from '@jest/globals';
import { MemoryFile, MemoryFileSystem } from '../store/files/memory-file-system.js';
import type { OpenMode } from '../store/files/file-system.js';
import { TestBroker } from '../../test-kit/broker.js';

/** A disk whose flushes of the commit log wait while it is told so. */
class SlowDisk extends MemoryFileSystem {
  held: Promise<void> = Promise.resolve();

  /** @returns what ends the wait */
  hold(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return release;
  }

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const { sync } = file;
    if (path.includes('/commitlog/')) file.sync = async () => (await this.held, sync.call(file));
    return file;
  }
}

let running: TestBroker;
afterEach(() => running.stop());

describe('messages with a time of their own', () => {
  it('are delivered in the order of their times, though one that is due first is still on its way to the disk', async () => {
    const fileSystem = new SlowDisk();
    running = await TestBroker.start({ fileSystem, flush: 'sync' });
    const sender = await running.client();
    await sender.send('t', { body: 'second', properties: { TIMER_DELAY_MS: '1000' } });
    const release = fileSystem.hold();
    const sending = sender.send('t', { body: 'first', properties: { TIMER_DELAY_MS: '500' } });
    await running.clock.advance(0);
    // The delivery counts as busy until the disk is done.
    const later = running.clock.advance(1000);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    release();
    await Promise.all([sending, later]);
    await running.clock.advance(100);
    expect((await sender.messages('t')).map(({ body }) => body.toString())).toEqual(['first', 'second']);
  });
});
