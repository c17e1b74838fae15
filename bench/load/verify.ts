// Pulls everything that a topic holds and passes it to the oracle.
import { setTimeout as delay } from 'node:timers/promises';
import { openConnection } from './connection.js';
import type { Oracle, Verdict } from './oracle.js';
import { beginnings, bodyOf, pullToEnd } from './pull.js';

/** How often and how long to wait for the last messages: Apache makes them visible a moment after it acknowledges them. */
const ROUNDS = 25;
const PAUSE_MS = 200;

export async function verify(address: string, topic: string, queues: number, oracle: Oracle): Promise<Verdict> {
  const connection = await openConnection(address);
  const places = beginnings(topic, queues);
  try {
    for (let round = 0; ; round++) {
      await pullToEnd(connection, places, (bytes, at) => {
        const { start, length } = bodyOf(bytes, at);
        oracle.look(bytes, start, length);
      });
      const verdict = oracle.verdict;
      if (verdict.lost === 0 || round === ROUNDS) return verdict;
      await delay(PAUSE_MS);
    }
  } finally {
    connection.close();
  }
}
