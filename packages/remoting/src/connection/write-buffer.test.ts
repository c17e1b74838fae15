import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WriteBuffer } from './write-buffer.js';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const MUCH = 64 * 1024 * 1024;
const unexpected = (bytes: number): void => {
  throw new Error(`${bytes} bytes wait`);
};

/** What is written to it, as it was then. */
function recorded(): { stream: Duplex; writes: string[] } {
  const writes: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk.toString());
      done();
    },
  });
  return { stream, writes };
}

async function sockets(): Promise<[near: Socket, far: Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const [far] = (await once(server, 'connection')) as [Socket];
  stops.push(
    () => server.close(),
    () => near.destroy(),
    () => far.destroy(),
  );
  return [near, far];
}

describe('an writeBuffer', () => {
  it('sends what came in one turn with one write, at its end', async () => {
    const { stream, writes } = recorded();
    const writeBuffer = new WriteBuffer(stream, { maxUnsentBytes: MUCH, onOverflow: unexpected });
    for (const frame of ['a', 'b', 'c']) writeBuffer.add(Buffer.from(frame));
    expect(writes).toEqual([]);
    await new Promise(process.nextTick);
    expect(writes).toEqual(['abc']);
  });

  it('sends at once when it is flushed, and nothing twice', async () => {
    const { stream, writes } = recorded();
    const writeBuffer = new WriteBuffer(stream, { maxUnsentBytes: MUCH, onOverflow: unexpected });
    writeBuffer.add(Buffer.from('a'));
    writeBuffer.flush();
    expect(writes).toEqual(['a']);
    writeBuffer.add(Buffer.from('b'));
    await new Promise(setImmediate);
    expect(writes).toEqual(['a', 'b']);
  });

  it.each([300, 9_000, 100_000])(
    'uses no memory again before the socket has taken it, however slow its peer reads (frames of %i bytes)',
    async (length) => {
      const [near, far] = await sockets();
      far.pause();
      const writeBuffer = new WriteBuffer(near, { maxUnsentBytes: MUCH, onOverflow: unexpected });
      const count = Math.floor((16 * 1024 * 1024) / length);
      for (let i = 0; i < count; i++) {
        const frame = writeBuffer.memory(length).fill(i % 251);
        writeBuffer.add(frame);
        if (i % 7 === 0) await new Promise(setImmediate);
      }
      await new Promise(setImmediate);
      const chunks: Buffer[] = [];
      let received = 0;
      for await (const chunk of far) {
        chunks.push(chunk as Buffer);
        received += (chunk as Buffer).length;
        if (received >= count * length) break;
      }
      const all = Buffer.concat(chunks);
      const wrong: number[] = [];
      for (let i = 0; i < count; i++)
        if (!all.subarray(i * length, (i + 1) * length).equals(Buffer.alloc(length, i % 251))) wrong.push(i);
      expect([received, wrong]).toEqual([count * length, []]);
    },
  );

  it('says when too much waits for a peer that does not read', async () => {
    const [near, far] = await sockets();
    far.pause();
    const told: number[] = [];
    const writeBuffer = new WriteBuffer(near, { maxUnsentBytes: 100_000, onOverflow: (bytes) => told.push(bytes) });
    for (let i = 0; i < 200 && told.length === 0; i++) {
      writeBuffer.add(Buffer.alloc(100_000));
      await new Promise(setImmediate);
    }
    expect(told[0]).toBeGreaterThan(100_000);
  });
});
