// Sends and consumes with ali-ons on the given name server, and prints what happened, one JSON object a line.
// ali-ons.test.ts checks the lines. It is a process of its own, because ali-ons keeps timers after close().
import ons from 'ali-ons';

const [nameSrv] = process.argv.slice(2);
const TOPIC = 'ali-topic';
/** ms; the defaults of 5 to 30 s only cost time. */
const BRISK = 300;
const print = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const quiet = {
  info() {},
  warn() {},
  debug() {},
  error: (error) => print('error', { message: String(error?.message ?? error) }),
};
const options = {
  nameSrv,
  // It asks for one, and uses it only to look name servers up by HTTP.
  httpclient: {},
  logger: quiet,
  pollNameServerInteval: BRISK,
  heartbeatBrokerInterval: BRISK,
  rebalanceInterval: BRISK,
  persistConsumerOffsetInterval: BRISK,
};

const producer = new ons.Producer({ ...options, producerGroup: 'ali-producer' });
await producer.ready();
async function send(body, tags, { keys = [], delayTimeLevel = 0 } = {}) {
  const message = new ons.Message(TOPIC, tags, body);
  message.keys = keys;
  if (delayTimeLevel > 0) message.delayTimeLevel = delayTimeLevel;
  const { sendStatus, msgId } = await producer.send(message);
  print('sent', { body, sendStatus, msgId });
}
await send('first ü', 'TagA', { keys: ['key1', 'key2'] });
await send('second', 'TagB');
await send('not for us', 'TagC');
await send('fails-once', 'TagA');
await send('later', 'TagB', { delayTimeLevel: 1 });

const outstanding = new Set(['first ü', 'second', 'fails-once', 'later']);
const consumer = new ons.Consumer({
  ...options,
  consumerGroup: 'ali-consumer',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
});
consumer.on('error', quiet.error);
const all = new Promise((resolve) => {
  consumer.subscribe(TOPIC, 'TagA || TagB', async (message) => {
    const body = message.body.toString();
    const { msgId, tags, keys, reconsumeTimes } = message;
    print('received', { body, msgId, tags, keys, reconsumeTimes });
    if (body === 'fails-once' && reconsumeTimes === 0) return ons.Consumer.ACTION_RETRY;
    outstanding.delete(body);
    if (outstanding.size === 0) resolve();
    return undefined;
  });
});
await all;
await consumer.close();
await producer.close();
print('done', {});
process.exit(0);
