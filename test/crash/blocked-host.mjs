// Runs an application with an embedded broker, and blocks its own event loop for the given time at each SIGUSR2. Prints when
// the broker is ready, and when a block begins and ends. Needs the build.
import { writeSync } from 'node:fs';
import { startBroker } from '@nest-rocketmq/broker/internal';

const [store, blockMs] = process.argv.slice(2);

const broker = await startBroker({ store, listen: '127.0.0.1:0', nameServerListen: '127.0.0.1:0' });

process.on('SIGUSR2', () => {
  writeSync(1, 'blocked\n');
  const end = performance.now() + Number(blockMs);
  while (performance.now() < end);
  writeSync(1, 'free\n');
});
process.on('SIGTERM', () => void broker.stop().then(() => process.exit(0)));

writeSync(1, `ready name-server=${broker.nameServerAddress} broker=${broker.brokerAddress}\n`);
