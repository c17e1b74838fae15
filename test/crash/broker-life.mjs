// Runs a broker for a short time on the given folder: sends over several files of the log, of a queue and of the index,
// commits offsets, creates and deletes topics, and stops. Prints what was acknowledged. Tests kill it in the middle. Needs
// the build.
import { writeSync } from 'node:fs';
import { startBroker } from '@nest-rocketmq/broker/internal';
import { Connection, Requests, handlerTable, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';

const [store, flush, prefix, end] = process.argv.slice(2);
const ROUNDS = 4;
const AT_ONCE = 3;
const BODY_BYTES = 9_000;

/** The smallest sizes that there may be, so that a few messages fill many files. */
const sizes = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 100, maxHashSlotNum: 5, maxIndexNum: 7 };

if (end !== 'nothing') await live();

async function live() {
  const broker = await startBroker({ store, flush, ...sizes });
  const stream = await broker.dial(broker.brokerAddress);
  const options = { address: broker.brokerAddress, handlers: handlerTable(), clock: systemClock, logger: silentLogger };
  const connection = new Connection(stream, options);
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => send(connection, `${prefix}-${round}-${i}`, i)));
    await commitOffset(connection, round + 1);
    await send(connection, `${prefix}-${round}-passing`, 0, `passing-${round}`);
    await connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: `passing-${round}` });
  }
  if (end === 'die') process.kill(process.pid, 'SIGKILL');
  connection.close();
  await broker.stop();
}

async function send(connection, id, queueId, topic = 'life') {
  const header = { a: 'p', b: topic, c: 'TBW102', d: 4, e: queueId, f: 0, g: 0, h: 0, i: `KEYS\u0001${id}\u0002` };
  const body = Buffer.from(`${id}:`.padEnd(BODY_BYTES, id));
  const reply = await connection.request(Requests.SEND_MESSAGE_V2, header, { body });
  if (reply.code !== 0) throw new Error(`${id}: ${reply.code} ${reply.remark}`);
  if (topic === 'life') writeSync(1, `acknowledged ${id}\n`);
}

async function commitOffset(connection, commitOffset) {
  const place = { consumerGroup: 'g', topic: 'life', queueId: 0 };
  const pull = {
    ...place,
    queueOffset: 0,
    maxMsgNums: 1,
    sysFlag: 4,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subVersion: 0,
  };
  // The first one makes the group.
  await connection.request(Requests.PULL_MESSAGE, { ...pull, subscription: '*' });
  const reply = await connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...place, commitOffset });
  if (reply.code !== 0) throw new Error(`the offset: ${reply.code} ${reply.remark}`);
}
