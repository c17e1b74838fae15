import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests } from '../requests/requests.js';
import { silentLogger } from '../logger.js';
import { ManualClock } from '../time/manual-clock.js';
import type { Connection } from './connection.js';
import { Connections } from './connections.js';
import { handlerTable } from './handler-table.js';
import { duplexPair } from './in-process.js';

const clock = new ManualClock();
let connection: Connection;

/** A connection whose peer stands still. */
async function connect(): Promise<void> {
  const dial = async () => duplexPair()[0];
  const connections = new Connections({ clock, logger: silentLogger, handlers: handlerTable(), dial });
  connection = await connections.get('still:1');
}

/** @returns how the request ends */
const ask = (timeout: number): Promise<string> =>
  connection.request(Requests.HEART_BEAT, {}, { timeout }).then(
    () => 'answered',
    (error: Error) => error.name,
  );

afterEach(() => connection.close());

describe('a connection whose peer stands still', () => {
  it('is kept where a request with a short time-out fails: others have the time to wait', async () => {
    await connect();
    const patient = ask(3_000);
    const impatient = ask(1_000);
    await clock.advance(1_000);
    expect([await impatient, connection.closed]).toEqual(['RequestTimeoutError', false]);
    await clock.advance(1_999);
    expect(connection.closed).toBe(false);
    await clock.advance(1);
    expect([await patient, connection.closed]).toEqual(['RequestTimeoutError', true]);
  });

  it('ends after 2 s of requests with short time-outs', async () => {
    await connect();
    for (let i = 0; i < 3; i++) {
      const asked = ask(500);
      await clock.advance(500);
      expect([await asked, connection.closed]).toEqual(['RequestTimeoutError', false]);
    }
    const waiting = ask(10_000);
    const last = ask(500);
    await clock.advance(500);
    expect([await last, await waiting]).toEqual(['RequestTimeoutError', 'ConnectionClosedError']);
  });
});
