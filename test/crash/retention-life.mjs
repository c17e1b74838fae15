// Runs a broker whose log files expire at once, in the hour of deletion. Fills some files, waits for their deletion, fills
// more. Prints what was acknowledged, and where in the log it is. Tests kill it in the middle. Needs the build.
import { readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startBroker } from '@nest-rocketmq/broker/internal';
import {
  Connection,
  ManualClock,
  Requests,
  decodeOffsetMsgId,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';

const [store, flush, prefix] = process.argv.slice(2);
const ROUNDS = 3;
const MESSAGES = 24;
const QUEUES = 4;
const BODY_BYTES = 9_000;
/** A bit more than the time between two looks at the age of files. */
const LOOK_MS = 10_500;

/** The smallest sizes that there may be, so that a few messages fill many files. */
const sizes = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 100, maxHashSlotNum: 5, maxIndexNum: 7 };

const clock = new ManualClock(daysLater(10));
for (let round = 0; round < ROUNDS; round++) await live(round);

/** Each round is a start of its own: the clean stop brings the queues to the disk, where the next round finds them. */
async function live(round) {
  const broker = await startBroker({ store, flush, clock, ...sizes });
  const stream = await broker.dial(broker.brokerAddress);
  const options = { address: broker.brokerAddress, handlers: handlerTable(), clock: systemClock, logger: silentLogger };
  const connection = new Connection(stream, options);
  for (let i = 0; i < MESSAGES; i++) await send(connection, `${prefix}-${round}-${i}`, i % QUEUES);
  connection.close();
  await broker.stop();
  // Started again and not sent to: all that it removes is on the disk.
  const idle = await startBroker({ store, flush, clock, ...sizes });
  await clock.advance(LOOK_MS);
  while (readdirSync(join(store, 'commitlog')).length > 1) await new Promise(setImmediate);
  await idle.stop();
}

/** At 04:30 of the local time, the hour of deleteWhen. */
function daysLater(days) {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 4, 30).getTime();
}

async function send(connection, id, queueId) {
  const header = {
    a: 'p',
    b: 'life',
    c: 'TBW102',
    d: QUEUES,
    e: queueId,
    f: 0,
    g: 0,
    h: 0,
    i: `KEYS\u0001${id}\u0002`,
  };
  const body = Buffer.from(`${id}:`.padEnd(BODY_BYTES, id));
  const reply = await connection.request(Requests.SEND_MESSAGE_V2, header, { body });
  if (reply.code !== 0) throw new Error(`${id}: ${reply.code} ${reply.remark}`);
  const { msgId, queueOffset } = reply.header;
  writeSync(1, `acknowledged ${id} ${queueId} ${queueOffset} ${decodeOffsetMsgId(msgId).physicalOffset}\n`);
}
