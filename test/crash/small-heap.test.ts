// Tests a broker with a small heap and a backlog as large or many times larger: it stores it, is killed, restarts and serves
// all of it. BACKLOG_MB sets the size. A backlog in memory would exceed the bound from some 200 MB on, so the small default
// only tells that it works. Needs the build, and Linux for /proc.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { decodeRecords } from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';
import { QUEUES, bodyOf, pull, sendOne } from './load.js';

const MB = 1_048_576;
const backlogMb = Number(process.env['BACKLOG_MB'] ?? 16);
const HEAP_MB = 64;
/** Most memory that the process may take: its heap, buffers outside of it, and Node itself. */
const MOST_MB = 250;
const BODY_BYTES = 8_000;
const COUNT = Math.ceil((backlogMb * MB) / BODY_BYTES);
const DEPTH = 32;

jest.setTimeout(300_000 + backlogMb * 500);
afterEach(cleanUp);

/** The most memory that the process has ever taken, MB. */
function peak({ child }: BrokerProcess): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}

/** Made anew whenever it is needed: the backlog is not held here either. */
const bodyAt = (index: number): string => bodyOf(`0:${index}`, BODY_BYTES + (index % 26));

async function fill(connection: Connection): Promise<void> {
  let next = 0;
  const hand = async (): Promise<void> => {
    for (let index = next++; index < COUNT; index = next++) {
      expect(await sendOne(connection, bodyAt(index), { queueId: index % QUEUES })).toBe(0);
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, hand));
}

interface Found {
  lost: number;
  duplicated: number;
  altered: number;
}

async function readAll(connection: Connection): Promise<Found> {
  const seen = new Set<number>();
  const found: Found = { lost: COUNT, duplicated: 0, altered: 0 };
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    for (let offset = 0, max = 1; offset < max;) {
      const { code, remark, header, body } = await pull(connection, { queueId, offset });
      const { nextBeginOffset = 0, maxOffset = 0 } = header;
      if (nextBeginOffset <= offset)
        throw new Error(`queue ${queueId} has no way on from ${offset}: ${code} ${remark}`);
      for (const message of decodeRecords(body)) {
        const text = message.body.toString();
        const index = Number(text.split(':', 2)[1]);
        if (text !== bodyAt(index)) found.altered++;
        else if (seen.has(index)) found.duplicated++;
        else found.lost--;
        seen.add(index);
      }
      [offset, max] = [nextBeginOffset, maxOffset];
    }
  }
  return found;
}

describe(`a broker with a heap of ${HEAP_MB} MB and a backlog of ${backlogMb} MB`, () => {
  it(`takes it, is killed, and serves it all, in ${MOST_MB} MB of memory`, async () => {
    const store = join(temporaryFolder('heap'), 'store');
    const first = await BrokerProcess.start({ store, heap: HEAP_MB });
    await fill(await first.connect());
    expect(peak(first)).toBeLessThan(MOST_MB);
    await first.kill();
    const again = await BrokerProcess.start({ store, heap: HEAP_MB });
    expect(await readAll(await again.connect())).toEqual({ lost: 0, duplicated: 0, altered: 0 });
    expect(peak(again)).toBeLessThan(MOST_MB);
    expect((await again.stop()).code).toBe(0);
  });
});
