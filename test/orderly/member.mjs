// A member of a group, orderly by default, in a process of its own that is made to be killed: prints each listener call as it begins
// and as it ends.
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { RocketMQClient } from '@nest-rocketmq/client';

const [nameServer, topic, group, callMs, consumeMode = 'ORDERLY'] = process.argv.slice(2);

// Synchronous, so that a kill loses no line of what has happened.
const print = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

const client = new RocketMQClient({ nameServer, heartbeatBrokerInterval: 1_000, pollNameServerInterval: 1_000 });
await client.start();
const consumer = client.createPushConsumer({
  group,
  subscriptions: [{ topic }],
  consumeMode,
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  listener: async ([message]) => {
    const [queue, seq] = message.body.toString().split(' ');
    print({ what: 'begin', at: Date.now(), queue, seq: Number(seq) });
    await wait(Number(callMs));
    print({ what: 'end', at: Date.now(), queue, seq: Number(seq) });
  },
});
await consumer.start();
print({ what: 'started' });
process.once('SIGTERM', () => void client.shutdown().then(() => process.exit(0)));
