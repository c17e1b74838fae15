// Runs members of an orderly group with our client on our broker, each in a process of its own: they join and leave, one is
// killed, one stands still for longer than its locks last. Takes four minutes, so that `npm test` leaves it out; needs the build.
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { runScenario, startOurs } from '../orderly/scenario.js';
import { BrokerProcess } from './broker-process.js';
import { isLong } from './tools.js';

jest.setTimeout(600_000);
afterEach(cleanUp);

/** `npm run test:crash` sets it. */
const describeLong = isLong ? describe : describe.skip;

describeLong('an orderly group', () => {
  it('never has a queue in two processes at one time, and keeps the order of each', async () => {
    const broker = await BrokerProcess.start({ store: join(temporaryFolder('orderly'), 'store') });
    const on = { nameServer: broker.nameServer, topic: 'orders', group: 'timeline' };
    const ours = startOurs(on);
    const { faults, sent, calls, stalls } = await runScenario(on, [ours, ours, ours, ours, ours]);
    expect(faults).toEqual([]);
    expect(calls).toBeGreaterThanOrEqual(sent);
    expect(sent).toBeGreaterThan(1_000);
    // Until the broker's lock expires, after 60 s, and the next round of who asks for it; or until the broker gives the member up,
    // which is 130 s after its last heartbeat. The rest is for a busy machine.
    expect(stalls.kill).toBeLessThan(90_000);
    expect(stalls.freeze).toBeLessThan(160_000);
  });
});
